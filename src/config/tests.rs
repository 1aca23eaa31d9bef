#![expect(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

mod access;
mod defaults;
mod faults;
mod gateway;
mod keys;
mod policies;
mod precedence;
mod providers;

use super::*;
use crate::{
    domain::{DecisionMode, Scope},
    store::Durability,
    telemetry::LogFormat,
};
use settings::SECTIONS;
use std::{collections::BTreeSet, path::PathBuf};

/// Inputs that own what [`Inputs`] borrows.
#[derive(Default)]
struct Given {
    file: Option<String>,
    environment: BTreeMap<String, String>,
    flags: Flags,
}

impl Given {
    fn load(&self) -> Result<Loaded, ConfigFaults> {
        load(&Inputs {
            file: self.file.as_deref().map(|text| Source { text, origin: "satisfice.toml" }),
            environment: &self.environment,
            flags: &self.flags,
            default_data_dir: Path::new("/data"),
            known_providers: &["anthropic", "openai", "together-ai"],
        })
    }

    fn settings(&self) -> Settings {
        self.load().unwrap().settings
    }

    fn report(&self) -> String {
        self.load().unwrap_err().to_string()
    }

    fn env(mut self, variables: &[(&str, &str)]) -> Self {
        self.environment = environment(variables);
        self
    }
}

fn file(text: &str) -> Given {
    Given { file: Some(text.to_owned()), ..Given::default() }
}

fn nothing() -> Given {
    Given::default()
}

fn environment(variables: &[(&str, &str)]) -> BTreeMap<String, String> {
    variables.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn warnings(loaded: &Loaded) -> Vec<String> {
    loaded.warnings.iter().map(ToString::to_string).collect()
}

#[test]
fn listening_beyond_loopback_is_a_warning() {
    let loaded = file("listen = \"0.0.0.0:8080\"").load().unwrap();
    assert!(loaded.settings.exposed);
    insta::assert_snapshot!(warnings(&loaded).join("\n"), @r#"
    satisfice.toml:1:10 listen: 0.0.0.0:8080 can be reached from other machines, and API keys travel unencrypted
        listen on 127.0.0.1, or let only a proxy that speaks HTTPS reach it
    "#);
    for local in ["127.0.0.9:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
        assert!(!file(&format!("listen = \"{local}\"")).settings().exposed, "{local}");
    }
}
