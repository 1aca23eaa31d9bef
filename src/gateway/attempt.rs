//! One call to a provider, and what is noted of it.

use super::{
    ChatReply, Gateway, GatewayError, InFlight, Leg, StreamItem, Ticket, Timing, Told, Usage, anthropic, bedrock,
    breaker::Permission,
    openai,
    provider::ProviderState,
    retry,
    serve::{Errand, Journey},
    transport::Upstream,
};
use crate::{
    catalog::Dialect,
    domain::{Attempt, ModelId},
};
use futures::{Stream, StreamExt, stream::BoxStream};
use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

/// The result of a call that was dropped before it came to one.
const ABANDONED: &str = "abandoned";
/// The result of a call that gave an answer, or the first content of one.
const OK: &str = "ok";

/// A call under way.
struct Noted {
    gateway: Gateway,
    model: ModelId,
    begun: Instant,
    usage: Usage,
    in_flight: InFlight,
    ticket: Ticket,
}

impl Journey<'_> {
    /// Calls once; the call stands in the log from its beginning.
    ///
    /// # Errors
    /// There is no answer, and nothing of one has reached the caller.
    pub(super) async fn attempt(
        &self,
        leg: &Leg<'_>,
        provider: &ProviderState,
        key: usize,
    ) -> Result<ChatReply, GatewayError> {
        let ticket = self.errand.gate().admit(&leg.model.id).map_err(|retry_after| GatewayError::Unavailable {
            provider: leg.model.provider.clone(),
            problem: "the limit on this model is reached",
            retry_after,
        })?;
        let mut noted = Noted {
            gateway: self.gateway.clone(),
            model: leg.model.id.clone(),
            begun: Instant::now(),
            usage: Usage::default(),
            in_flight: self.gateway.inner.signals.started(&leg.model.id),
            ticket,
        };
        let entry = self.begin(leg);
        let reply = self.send(leg, provider, key).await;
        let result = reply.as_ref().map_or_else(|error| error.class(), |_| OK);
        self.finish(entry, result, noted.begun);
        if reply.as_ref().is_err_and(|error| !error.may_be_billed()) {
            noted.ticket.set_unbilled();
        }
        Ok(match reply? {
            ChatReply::Whole { body, usage } => {
                noted.usage = usage.clone();
                noted.succeeded(None);
                ChatReply::Whole { body, usage }
            }
            ChatReply::Stream(items) => {
                let first_token_ms = noted.elapsed_ms();
                ChatReply::Stream(Watched { items, noted: Some(noted), first_token_ms }.boxed())
            }
        })
    }

    fn begin(&self, leg: &Leg<'_>) -> usize {
        let mut log = self.log();
        log.push(Attempt {
            model: leg.model.id.clone(),
            provider: leg.model.provider.clone(),
            result: ABANDONED.to_owned(),
            latency_ms: 0.0,
        });
        log.len() - 1
    }

    fn finish(&self, entry: usize, result: &str, begun: Instant) {
        if let Some(attempt) = self.log().get_mut(entry) {
            result.clone_into(&mut attempt.result);
            attempt.latency_ms = begun.elapsed().as_secs_f64() * 1e3;
        }
    }

    async fn send(&self, leg: &Leg<'_>, provider: &ProviderState, key: usize) -> Result<ChatReply, GatewayError> {
        let inner = &self.gateway.inner;
        let upstream = Upstream {
            client: &inner.client,
            provider: &leg.model.provider,
            access: &provider.access,
            address: &provider.address,
            key,
            patience: inner.options.patience(),
            deadline: self.errand.deadline(),
        };
        // What is rare has a place of its own: the future is as large as the largest of them, and copied on its way.
        match (self.errand, leg.dialect) {
            (Errand::Chat(call), Dialect::OpenAi) => openai::chat(&upstream, leg.model, call).await,
            (Errand::Chat(call), Dialect::Anthropic) => anthropic::chat(&upstream, leg.model, call).await,
            (Errand::Chat(call), Dialect::Bedrock) => Box::pin(bedrock::chat(&upstream, leg.model, call)).await,
            (Errand::Chat(call), Dialect::Simulated) => {
                Box::pin(upstream.before_the_deadline(inner.world.chat(leg.model, call))).await
            }
            (Errand::Embeddings(call), Dialect::OpenAi) => {
                let (body, usage) = Box::pin(openai::embeddings(&upstream, leg.model, &call.body)).await?;
                Ok(ChatReply::Whole { body: Told::Hub(body), usage })
            }
            (Errand::Embeddings(_), _) => Err(GatewayError::NoAccess(leg.model.provider.clone())),
        }
    }
}

impl Noted {
    fn elapsed_ms(&self) -> f64 {
        self.begun.elapsed().as_secs_f64() * 1e3
    }

    fn succeeded(self, first_token_ms: Option<f64>) {
        let timing = Timing {
            first_token_ms,
            output_tokens: self.usage.output_tokens.unwrap_or(0),
            total_ms: self.elapsed_ms(),
            load: self.in_flight.load(),
        };
        self.gateway.inner.signals.observe_success(&self.model, timing, Instant::now());
    }

    /// The stream broke. Its call counted as a success when it began, so this is a call of its own to the breaker.
    fn failed(self, error: &GatewayError) {
        let (now, inner) = (Instant::now(), &self.gateway.inner);
        if !retry::counts_against_breaker(error) {
            return;
        }
        inner.signals.observe_failure(&self.model, now);
        if let Some(Permission::Yes(pass)) = inner.breakers.get(&self.model).map(|breaker| breaker.allow(now)) {
            pass.failed(now);
        }
    }
}

/// A stream whose end is noted. Dropped before that, it says nothing about the model.
struct Watched {
    items: BoxStream<'static, Result<StreamItem, GatewayError>>,
    noted: Option<Noted>,
    first_token_ms: f64,
}

impl Stream for Watched {
    type Item = Result<StreamItem, GatewayError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = self.items.poll_next_unpin(context);
        match &polled {
            Poll::Ready(Some(Ok(StreamItem::Usage(usage)))) => {
                if let Some(noted) = &mut self.noted {
                    noted.usage.merge(usage.clone());
                }
            }
            Poll::Ready(Some(Ok(StreamItem::End))) => {
                let first_token_ms = Some(self.first_token_ms);
                if let Some(noted) = self.noted.take() {
                    noted.succeeded(first_token_ms);
                }
            }
            Poll::Ready(Some(Err(error))) => {
                if let Some(noted) = self.noted.take() {
                    noted.failed(error);
                }
            }
            _ => {}
        }
        polled
    }
}
