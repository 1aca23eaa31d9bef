//! What a provider does with each request: in order, by chance, or by key.

use std::collections::{BTreeMap, VecDeque};

/// How a request is treated. Where a fault makes no sense for a whole answer, its nearest kin is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A right answer.
    Ok,
    /// A right answer, of which nothing but a stream's head comes for so many milliseconds.
    Slow(u64),
    /// A right answer, of a stream each event after so many milliseconds.
    Paced(u64),
    /// 429, with `retry-after` in seconds.
    RateLimited { retry_after: Option<u64> },
    /// A status from 500 on, in the dialect's words.
    ServerError(u16),
    /// 401, 402 or 403, with the key quoted in the message as some providers do.
    Refused(u16),
    /// 403 with a page of HTML, as firewalls before providers answer.
    Walled,
    /// Any other status with this message.
    Rejected(u16, &'static str),
    /// Takes the request and never answers.
    Hang,
    /// A head, of a stream also the opening without content, then nothing.
    HangAfterHead,
    /// The first piece of content, then nothing; of a whole answer its first half.
    HangAfterFirst,
    /// The connection is reset (RST) once the request was read.
    ResetBeforeHead,
    /// The connection is reset in the middle of the answer.
    ResetMidStream,
    /// The connection is closed in good order (FIN) in the middle; a stream's framing says that this was all.
    EndMidStream,
    /// A body whose length is right and whose JSON is cut; of a stream the first event.
    TruncatedJson,
    /// 200 with a page of HTML.
    WrongContentType,
    /// A right answer, each byte sent alone.
    DripFeed,
    /// A right answer with so many bytes of text.
    HugeAnswer(usize),
    /// A right answer, streamed where a whole one was asked for and whole where a stream was.
    OtherForm,
    /// `{"error": …}` with status 200, also where a stream was asked for.
    ErrorIn200,
    /// An error event after the first content; whole: as [`Fault::ErrorIn200`].
    ErrorEventMidStream,
    /// A right answer without a word on tokens. Anthropic's streams: a right answer.
    NoUsage,
    /// A whole story with finish and usage, but without the event that closes it. Whole: a right answer.
    StreamWithoutDone,
}

impl Fault {
    /// Whether a right answer comes of it, all of it.
    pub(crate) fn answers(&self, stream: bool) -> bool {
        match self {
            Self::Ok
            | Self::Slow(_)
            | Self::Paced(_)
            | Self::DripFeed
            | Self::HugeAnswer(_)
            | Self::NoUsage
            | Self::OtherForm => true,
            Self::StreamWithoutDone => !stream,
            _ => false,
        }
    }

    /// Whether it is only noticed by waiting.
    pub(crate) fn hangs(&self) -> bool {
        matches!(self, Self::Hang | Self::HangAfterHead | Self::HangAfterFirst)
    }

    /// Whether a streamed answer breaks when the caller has part of it, so that nothing can be tried any more.
    pub(crate) fn is_late(&self) -> bool {
        matches!(
            self,
            Self::HangAfterFirst
                | Self::ResetMidStream
                | Self::EndMidStream
                | Self::ErrorEventMidStream
                | Self::StreamWithoutDone
        )
    }
}

/// Which fault meets which request. Keys come first, then the queue in order of arrival, then the rest.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    keys: BTreeMap<String, Fault>,
    queue: VecDeque<Fault>,
    rest: Rest,
}

#[derive(Debug, Clone)]
enum Rest {
    Always(Fault),
    Mix { dice: Dice, shares: Vec<(f64, Fault)> },
}

impl Script {
    /// Nothing ever fails.
    pub(crate) fn ok() -> Self {
        Self::always(Fault::Ok)
    }

    /// Every request meets this.
    pub(crate) fn always(fault: Fault) -> Self {
        Self { keys: BTreeMap::new(), queue: VecDeque::new(), rest: Rest::Always(fault) }
    }

    /// The first requests meet these; all later ones are answered.
    pub(crate) fn queue(faults: impl IntoIterator<Item = Fault>) -> Self {
        Self { queue: faults.into_iter().collect(), ..Self::ok() }
    }

    /// Each request draws: a fault has the probability before it, what is left is [`Fault::Ok`]. The sequence of draws
    /// depends on the seed alone.
    pub(crate) fn mix(seed: u64, shares: impl IntoIterator<Item = (f64, Fault)>) -> Self {
        let rest = Rest::Mix { dice: Dice(seed), shares: shares.into_iter().collect() };
        Self { rest, ..Self::ok() }
    }

    /// Requests with this key meet this, whatever else is said.
    pub(crate) fn with_key(mut self, key: &str, fault: Fault) -> Self {
        self.keys.insert(key.to_owned(), fault);
        self
    }

    /// The fault of the next request, which shows this key.
    pub(crate) fn next(&mut self, key: Option<&str>) -> Fault {
        if let Some(fault) = key.and_then(|key| self.keys.get(key)) {
            return fault.clone();
        }
        if let Some(fault) = self.queue.pop_front() {
            return fault;
        }
        match &mut self.rest {
            Rest::Always(fault) => fault.clone(),
            Rest::Mix { dice, shares } => drawn(dice.uniform(), shares),
        }
    }
}

fn drawn(mut u: f64, shares: &[(f64, Fault)]) -> Fault {
    for (share, fault) in shares {
        if u < *share {
            return fault.clone();
        }
        u -= share;
    }
    Fault::Ok
}

/// SplitMix64: enough for dice, and the same everywhere.
#[derive(Debug, Clone)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// In [0, 1).
    pub(crate) fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}
