//! Everything wrong is reported, at once and in its place.

use super::*;

/// `line key` of each fault.
fn places(toml: &str) -> Vec<String> {
    let CatalogFaults(faults) = Catalog::parse(toml, "bad.toml").unwrap_err();
    faults.iter().map(|fault| format!("{} {}", fault.line, fault.key)).collect()
}

#[test]
fn all_faults_are_reported_with_line_and_key() {
    let toml = r#"colour = "red"
[[providers]]
id = "a"
base_url = "ftp://a"

[[models]]
id = "m"
provider = "b"
tier = "huge"
contxt_window = 1
max_output_tokens = 0
price = { input = -1, output = nan, as_of = "soon" }
[[models.benchmarks]]
name = "mmlu"
score = 90.2
source = ""
as_of = "2026-13-01"
"#;
    let expected = [
        "1 colour",
        "2 providers[0].name",
        "4 providers[0].base_url",
        "6 models[0].upstream_name",
        "6 models[0].context_window",
        "7 models[0].id",
        "8 models[0].provider",
        "9 models[0].tier",
        "10 models[0].contxt_window",
        "11 models[0].max_output_tokens",
        "12 models[0].price.input",
        "12 models[0].price.output",
        "12 models[0].price.source",
        "12 models[0].price.as_of",
        "15 models[0].benchmarks[0].score",
        "16 models[0].benchmarks[0].source",
        "17 models[0].benchmarks[0].as_of",
    ];
    assert_eq!(places(toml), expected);
}

#[test]
fn a_fault_says_what_and_what_to_do() {
    let report = Catalog::parse(&toml_with("verbsity = 2\ndeprecated = 1"), "bad.toml").unwrap_err().to_string();
    let expected = "2 faults in the catalogue\
        \n  bad.toml:16: models[0].verbsity: is unknown; did you mean `verbosity`?\
        \n  bad.toml:17: models[0].deprecated: 1 does not fit; give true or false";
    assert_eq!(report, expected);
}

#[test]
fn a_price_without_source_or_day_is_refused() {
    let toml = toml_with("price = { input = 1, output = 2 }");
    assert_eq!(places(&toml), ["16 models[0].price.source", "16 models[0].price.as_of"]);
}

#[test]
fn an_id_that_is_there_twice_is_refused() {
    let twice = toml_with("") + &toml_with("").replace("[[providers]]", "[[providers]] # again");
    assert_eq!(places(&twice), ["19 providers[1].id", "25 models[1].id"]);
}

#[test]
fn faults_of_syntax_have_a_line_too() {
    assert_eq!(places("[[models]]\nid = \n\nreleased = 2026-02-30\n"), ["2 ", "4 "], "and hide what follows from them");
}

#[test]
fn a_benchmark_nobody_can_read_an_ability_from_is_refused() {
    let keys = r#"benchmarks = [{ name = "vibes", score = 1, source = "s", as_of = "2026-01-01" }]"#;
    assert_eq!(places(&toml_with(keys)), ["16 models[0].benchmarks[0].name"]);
}

#[test]
fn only_servers_of_an_address_have_a_variable_for_it_or_a_header() {
    let toml =
        "[[providers]]\nid = \"p\"\nname = \"P\"\ndialect = \"bedrock\"\nbase_url_env = \"U\"\nauth = \"bearer\"\n";
    assert_eq!(places(toml), ["5 providers[0].base_url_env", "6 providers[0].auth"]);
    let toml = "[[providers]]\nid = \"p\"\nname = \"P\"\ndialect = \"anthropic\"\nauth = \"basic\"\n";
    assert_eq!(places(toml), ["1 providers[0].base_url", "5 providers[0].auth"]);
}

#[test]
fn embeddings_need_a_dialect_that_has_them() {
    let toml = toml_with("kind = \"embedding\"");
    assert!(Catalog::parse(&toml, "good.toml").is_ok());
    let anthropic = toml.replace("name = \"Acme\"", "name = \"Acme\"\ndialect = \"anthropic\"");
    assert_eq!(places(&anthropic), ["11 models[0].provider"]);
    assert_eq!(places(&toml_with("kind = \"image\"")), ["16 models[0].kind"]);
}

#[test]
fn simulated_behaviour_needs_the_simulated_dialect() {
    let keys = "[models.simulated]\nability = 1\nfailure_rate = 0";
    assert_eq!(places(&toml_with(keys)), ["10 models[0].provider"]);
}

#[test]
fn infinities_and_overflows_are_refused() {
    let keys = "verbosity = inf\nlatency = { first_token_ms = inf, tokens_per_second = 0 }\nreleased = '2026-02-30'";
    let expected = [
        "12 models[0].context_window",
        "16 models[0].verbosity",
        "17 models[0].latency.first_token_ms",
        "17 models[0].latency.tokens_per_second",
        "18 models[0].released",
    ];
    assert_eq!(places(&toml_with(keys).replace("8000", "99999999999")), expected);
}
