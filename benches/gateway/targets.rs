//! Who answers: the upstream itself, our service in several ways, and peers.

use crate::{
    client::Place,
    report::OURS,
    service::{Durability, MODEL, Ours},
};
use std::str::FromStr;

/// Another gateway, as told on the command line.
#[derive(Debug, Clone)]
pub(crate) struct Peer(Target);

/// One of those that take turns.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) place: Place,
    pub(crate) model: String,
    /// Whose processor time and memory count, where it is known.
    pub(crate) process: Option<u32>,
}

impl FromStr for Peer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(',');
        let (Some(name), Some(url), Some(model)) = (parts.next(), parts.next(), parts.next()) else {
            return Err("give NAME,URL,MODEL or NAME,URL,MODEL,PID".to_owned());
        };
        let process = parts.next().and_then(|id| id.parse().ok());
        Ok(Self(Target { name: name.to_owned(), place: Place::new(url), model: model.to_owned(), process }))
    }
}

/// All of them, the upstream first. What is the default goes without saying.
pub(crate) fn targets(peers: &[Peer], upstream: &Place, ours: &[Ours]) -> Vec<Target> {
    let target = |name: &str, place: &Place, model: &str, process| Target {
        name: name.to_owned(),
        place: place.clone(),
        model: model.to_owned(),
        process,
    };
    let mut all = vec![target("direct", upstream, "mock", None)];
    for Ours { service, durability } in ours {
        let also = match durability {
            Durability::Feedback => String::new(),
            other => format!(", durability={}", other.name()),
        };
        for (way, model) in [(OURS, MODEL), ("satisfice, routed", "auto")] {
            all.push(target(&format!("{way}{also}"), &service.place, model, Some(service.id())));
        }
    }
    all.extend(peers.iter().map(|peer| peer.0.clone()));
    all
}
