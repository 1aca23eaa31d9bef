use super::*;
use crate::catalog::{Catalog, Provider};

/// A provider of the catalogue with these keys.
fn provider(keys: &str) -> Provider {
    let toml = format!("[[providers]]\nname = \"P\"\n{keys}");
    Catalog::parse(&toml, "test.toml").unwrap().providers()[0].clone()
}

fn compatible(id: &str, variables: &str) -> Provider {
    provider(&format!("id = \"{id}\"\nbase_url = \"https://{id}.example/v1\"\nkey_env = [{variables}]"))
}

fn bedrock() -> Provider {
    provider("id = \"bedrock\"\ndialect = \"bedrock\"\nkey_env = [\"AWS_BEARER_TOKEN_BEDROCK\"]")
}

/// What is found with these variables and nothing configured.
fn found(catalogue: &[Provider], variables: &[(&str, &str)]) -> (Credentials, String) {
    let (credentials, warnings) = credentials(&environment(variables), catalogue, &nothing().settings());
    (credentials, warnings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}

fn exposed(keys: &[Secret]) -> Vec<&str> {
    keys.iter().map(Secret::expose).collect()
}

#[test]
fn keys_come_from_the_first_variable_that_holds_one() {
    let catalogue = [
        compatible("gemini", "\"GEMINI_API_KEY\", \"GOOGLE_API_KEY\""),
        compatible("openai", "\"OPENAI_API_KEY\""),
        compatible("mistral", "\"MISTRAL_API_KEY\""),
        provider("id = \"simulated\"\ndialect = \"simulated\""),
    ];
    let settings = file(
        "[catalog]\nfile = \"c.toml\"\n[providers.mistral]\nenabled = false\n[providers.openai]\napi_key_env = \"TEAM_KEY\"\n\
         [providers.local]\nbase_url = \"http://localhost\"\napi_key_env = \"LOCAL_KEY\"",
    )
    .settings();
    let variables = environment(&[
        ("GEMINI_API_KEY", ""),
        ("GOOGLE_API_KEY", " g-key\n"),
        ("OPENAI_API_KEY", "unused"),
        ("TEAM_KEY", "two words"),
        ("MISTRAL_API_KEY", "m-key"),
    ]);
    let (keys, warnings) = credentials(&variables, &catalogue, &settings);
    assert_eq!(keys.providers().collect::<Vec<_>>(), ["gemini"]);
    assert_eq!(exposed(keys.keys("gemini")), ["g-key"]);
    let warnings: Vec<_> = warnings.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(warnings.join("\n"), @r#"
    environment GEMINI_API_KEY: it is empty: the provider counts as having no key
        put the key in it, or unset it
    environment LOCAL_KEY: it is not set: providers.local, whose api_key_env names it, has no key
        put the key in it, or switch the provider off
    environment TEAM_KEY: it holds characters that no key has: the provider counts as having no key
        put the key in it, or unset it
    "#);
}

#[test]
fn a_variable_holds_several_keys_each_once() {
    let openai = [compatible("openai", "\"OPENAI_API_KEY\"")];
    let (keys, warnings) = found(&openai, &[("OPENAI_API_KEY", "sk-2, sk-1 ,sk-2,,two words,sk-3")]);
    assert_eq!(exposed(keys.keys("openai")), ["sk-2", "sk-1", "sk-3"]);
    insta::assert_snapshot!(warnings, @r#"
    environment OPENAI_API_KEY: key 4 of it is empty: it is left out
        mend or remove it
    environment OPENAI_API_KEY: key 5 of it holds characters that no key has: it is left out
        mend or remove it
    "#);
}

#[test]
fn more_keys_than_can_be_used_are_refused() {
    let openai = [compatible("openai", "\"OPENAI_API_KEY\"")];
    let keys = |count: usize| (0..count).map(|n| format!("sk-{n}")).collect::<Vec<_>>().join(",");
    let (most, warnings) = found(&openai, &[("OPENAI_API_KEY", &keys(MAX_KEYS))]);
    assert!(most.keys("openai").len() == MAX_KEYS && warnings.is_empty(), "{warnings}");
    let (refused, warnings) = found(&openai, &[("OPENAI_API_KEY", &keys(MAX_KEYS + 1))]);
    assert!(refused.is_empty() && warnings.contains("it holds 65 keys, and 64 is the most"), "{warnings}");
}

#[test]
fn a_key_of_bedrock_needs_a_region() {
    let token = ("AWS_BEARER_TOKEN_BEDROCK", "b-1,b-2");
    let (keys, warnings) = found(&[bedrock()], &[token, ("AWS_REGION", " eu-central-1 ")]);
    let key = |key: &str| AwsCredentials::ApiKey { region: "eu-central-1".to_owned(), key: Secret::new(key) };
    assert_eq!((keys.aws("bedrock"), warnings.as_str()), ([key("b-1"), key("b-2")].as_slice(), ""));
    assert!(keys.keys("bedrock").is_empty() && keys.providers().eq(["bedrock"]));
    let (none, warnings) = found(&[bedrock()], &[token, ("AWS_REGION", "")]);
    assert!(none.is_empty());
    insta::assert_snapshot!(warnings, @r#"
    environment AWS_REGION: it is not set: Bedrock has keys, but no region to call, and can't be used
        set it to a region such as eu-central-1, or set enabled = false in [providers.bedrock]
    "#);
    let (none, warnings) = found(&[bedrock()], &[token, ("AWS_DEFAULT_REGION", "evil.example/?")]);
    assert!(none.is_empty() && warnings.contains("it does not hold a region"), "{warnings}");
}

#[test]
fn without_an_api_key_bedrock_takes_the_keys_that_sign() {
    let id = ("AWS_ACCESS_KEY_ID", "AKIA");
    let (secret, region) = (("AWS_SECRET_ACCESS_KEY", "s/e+c"), ("AWS_DEFAULT_REGION", "us-east-1"));
    let keys = |session_token: Option<&str>| AwsCredentials::Keys {
        region: "us-east-1".to_owned(),
        access_key_id: Secret::new("AKIA"),
        secret_access_key: Secret::new("s/e+c"),
        session_token: session_token.map(Secret::new),
    };
    let (lasting, warnings) = found(&[bedrock()], &[id, secret, region]);
    assert_eq!((lasting.aws("bedrock"), warnings.as_str()), ([keys(None)].as_slice(), ""));
    let (passing, _) = found(&[bedrock()], &[id, secret, region, ("AWS_SESSION_TOKEN", "t")]);
    assert_eq!(passing.aws("bedrock"), [keys(Some("t"))]);
    let (half, warnings) = found(&[bedrock()], &[id, region]);
    assert!(half.is_empty() && warnings.contains("AWS_ACCESS_KEY_ID alone is no identity"), "{warnings}");
    let (nobody, warnings) = found(&[bedrock()], &[region]);
    assert!(nobody.is_empty() && warnings.is_empty(), "{warnings}");
}

#[test]
fn an_api_key_that_the_settings_name_is_not_replaced_by_the_keys_that_sign() {
    let variables = [("AWS_ACCESS_KEY_ID", "AKIA"), ("AWS_SECRET_ACCESS_KEY", "s"), ("AWS_REGION", "us-east-1")];
    let settings = file("[catalog]\nfile = \"c.toml\"\n[providers.bedrock]\napi_key_env = \"MY_TOKEN\"").settings();
    let (keys, warnings) = credentials(&environment(&variables), &[bedrock()], &settings);
    assert!(keys.is_empty() && warnings.len() == 1, "{warnings:?}");
}

#[test]
fn an_address_of_ones_own_comes_from_the_variable_of_the_catalogue() {
    let azure = [provider("id = \"azure\"\nbase_url_env = \"AZURE_URL\"\nkey_env = [\"AZURE_KEY\"]")];
    let given = |variables: &[(&str, &str)]| {
        let (keys, _) = found(&azure, variables);
        let (addresses, warnings) = addresses(&environment(variables), &azure, &keys);
        let address = addresses.get("azure").map(|url| url.as_str().to_owned());
        (address, warnings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    };
    let url = "https://mine.openai.azure.com/openai/v1";
    assert_eq!(given(&[("AZURE_URL", &format!(" {url}/"))]), (Some(url.to_owned()), String::new()));
    assert_eq!(given(&[]), (None, String::new()), "nobody asked for it");
    insta::assert_snapshot!(given(&[("AZURE_KEY", "k")]).1, @r#"
    environment AZURE_URL: it is not set: azure has a key, but no address, and can't be used
        set it to the address of your API, or set base_url in [providers.azure]
    "#);
    let (none, warning) = given(&[("AZURE_URL", "https://me:hunter2@mine.example")]);
    assert!(none.is_none() && warning.contains("credentials") && !warning.contains("hunter2"), "{warning}");
}

#[test]
fn secrets_are_never_printed() {
    let secret = Secret::new("sk-1234");
    assert!(!format!("{secret} {secret:?} {:?}", Some(&secret)).contains("1234"));
    let (keys, _) = found(&[bedrock()], &[("AWS_BEARER_TOKEN_BEDROCK", "b-1234"), ("AWS_REGION", "us-east-1")]);
    assert!(!format!("{keys:?}").contains("1234"));
}
