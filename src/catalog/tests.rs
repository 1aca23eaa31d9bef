#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod ability;
mod data;
mod eligibility;
mod faults;

use super::*;

/// A provider and a priced model, with room for more keys of the model.
fn toml_with(keys: &str) -> String {
    format!(
        r#"
[[providers]]
id = "acme"
name = "Acme"
base_url = "https://acme.example/v1/"
key_env = ["ACME_API_KEY", "ACME_KEY"]

[[models]]
id = "acme/one"
provider = "acme"
upstream_name = "one"
context_window = 8000
max_output_tokens = 2000
tier = "medium"
capabilities = ["tools"]
{keys}
"#
    )
}

const PRICE: &str = r#"price = { input = 1, output = 4.5, source = "Acme's page", as_of = "2026-11-22" }"#;

fn model_with(keys: &str) -> ModelEntry {
    Catalog::parse(&toml_with(keys), "test.toml").unwrap().models()[0].clone()
}
