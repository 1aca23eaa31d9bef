//! Names on the wire for the domain's choices, so that the domain needs to know nothing of documents.

use crate::{config, domain};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An enum of the domain with its document; both conversions are exhaustive matches.
macro_rules! mirror {
    ($(#[$doc:meta])* $name:ident = $domain:ty { $($(#[$variant_doc:meta])* $variant:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub(crate) enum $name { $($(#[$variant_doc])* $variant),+ }

        impl From<$name> for $domain {
            fn from(name: $name) -> Self {
                match name { $($name::$variant => Self::$variant),+ }
            }
        }

        impl From<$domain> for $name {
            fn from(value: $domain) -> Self {
                match value { $(<$domain>::$variant => Self::$variant),+ }
            }
        }
    };
}

mirror! {
    /// What "good enough" means over many requests.
    Mode = domain::DecisionMode {
        /// Each request meets the target: the cheapest model whose lower bound does.
        Floor,
        /// The mean over requests meets the target at the least cost.
        Average,
        /// The best quality whose mean cost stays within the policy's budget.
        Budget,
    }
}
mirror! {
    /// Which answers may be given again to this request.
    CacheName = config::CacheMode {
        /// None: neither is one looked for, nor is this one kept.
        Off,
        /// That to the same request.
        Exact,
        /// Also that to a similar request.
        Semantic,
    }
}
mirror! {
    /// What providers may do with a request; each is stricter than those before it.
    DataPolicyName = domain::DataPolicy {
        /// Train on it.
        MayTrain,
        /// Keep it for a while, but not train on it.
        NoTraining,
        /// Keep nothing after the answer.
        ZeroRetention,
    }
}
mirror! {
    /// Who gives a score; decides how much it is believed.
    Source = domain::FeedbackSource {
        /// A person.
        User,
        /// A model that judges.
        Judge,
        /// A test suite or another exact check.
        Tests,
    }
}
mirror! {
    /// A score in words.
    VerdictName = domain::Verdict {
        /// The model was right for the job: 0.95.
        GoodFit,
        /// The model was too weak: 0.25.
        Underpowered,
        /// A cheaper model would have done: 1.0.
        Overprovisioned,
        /// No usable answer: 0.0.
        Failed,
    }
}
mirror! {
    /// How a forwarded request ended.
    Ending = domain::OutcomeStatus {
        /// A whole answer was delivered.
        Ok,
        /// The provider answered with an error, or broke off.
        UpstreamError,
        /// The provider did not answer in time.
        Timeout,
        /// The client went away first.
        Cancelled,
    }
}
