//! How AWS knows us, from its own variables: Bedrock's keys belong to a region.

use super::{
    credentials::{Secret, unusable},
    finding::{Finding, Place},
};
use std::collections::BTreeMap;

const REGIONS: [&str; 2] = ["AWS_REGION", "AWS_DEFAULT_REGION"];
const ACCESS_KEY_ID: &str = "AWS_ACCESS_KEY_ID";
const SECRET_ACCESS_KEY: &str = "AWS_SECRET_ACCESS_KEY";
const SESSION_TOKEN: &str = "AWS_SESSION_TOKEN";

/// An identity with the region to call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AwsCredentials {
    /// A Bedrock API key, sent along as it is.
    ApiKey {
        /// Such as `eu-central-1`.
        region: String,
        /// The key.
        key: Secret,
    },
    /// Keys that sign each call.
    Keys {
        /// Such as `eu-central-1`.
        region: String,
        /// `AWS_ACCESS_KEY_ID`.
        access_key_id: Secret,
        /// `AWS_SECRET_ACCESS_KEY`.
        secret_access_key: Secret,
        /// `AWS_SESSION_TOKEN`, of keys that expire.
        session_token: Option<Secret>,
    },
}

/// One for each API key; without any, the keys that sign, unless the settings name where the API key is (`named`).
pub(super) fn credentials(
    environment: &BTreeMap<String, String>,
    api_keys: Vec<Secret>,
    named: bool,
    warnings: &mut Vec<Finding>,
) -> Vec<AwsCredentials> {
    let signing = if api_keys.is_empty() && !named { signing_keys(environment, warnings) } else { None };
    if api_keys.is_empty() && signing.is_none() {
        return Vec::new();
    }
    let Some(region) = region(environment, warnings) else { return Vec::new() };
    if let Some((access_key_id, secret_access_key)) = signing {
        let session_token = usable(environment, SESSION_TOKEN, warnings);
        return vec![AwsCredentials::Keys { region, access_key_id, secret_access_key, session_token }];
    }
    api_keys.into_iter().map(|key| AwsCredentials::ApiKey { region: region.clone(), key }).collect()
}

fn signing_keys(environment: &BTreeMap<String, String>, warnings: &mut Vec<Finding>) -> Option<(Secret, Secret)> {
    let [id, secret] = [ACCESS_KEY_ID, SECRET_ACCESS_KEY].map(|name| usable(environment, name, warnings));
    if id.is_some() != secret.is_some() {
        let (given, missing) =
            if id.is_some() { (ACCESS_KEY_ID, SECRET_ACCESS_KEY) } else { (SECRET_ACCESS_KEY, ACCESS_KEY_ID) };
        // One that is there but unusable has been reported.
        if !environment.contains_key(missing) {
            let problem = format!("it is not set: {given} alone is no identity");
            warn(warnings, missing, problem, "set both, or neither");
        }
    }
    Some((id?, secret?))
}

/// The value of a variable that holds one secret.
fn usable(environment: &BTreeMap<String, String>, name: &str, warnings: &mut Vec<Finding>) -> Option<Secret> {
    let secret = Secret::new(environment.get(name)?.trim());
    let Some(problem) = unusable(&secret) else { return Some(secret) };
    warn(warnings, name, format!("it {problem}: it counts as not set"), "put the key in it, or unset it");
    None
}

fn region(environment: &BTreeMap<String, String>, warnings: &mut Vec<Finding>) -> Option<String> {
    let given = |name: &'static str| environment.get(name).map(|text| (name, text.trim()));
    let Some((name, region)) = REGIONS.into_iter().filter_map(given).find(|(_, text)| !text.is_empty()) else {
        let problem = "it is not set: Bedrock has keys, but no region to call, and can't be used";
        let remedy = "set it to a region such as eu-central-1, or set enabled = false in [providers.bedrock]";
        warn(warnings, REGIONS[0], problem.to_owned(), remedy);
        return None;
    };
    if is_region(region) {
        return Some(region.to_owned());
    }
    let problem = "it does not hold a region: Bedrock can't be used".to_owned();
    warn(warnings, name, problem, "set it to a region such as eu-central-1");
    None
}

/// It becomes a part of a host name.
fn is_region(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    text.len() <= 32 && text.bytes().all(fits) && text.starts_with(|c: char| c.is_ascii_lowercase())
}

fn warn(warnings: &mut Vec<Finding>, variable: &str, problem: String, remedy: &str) {
    warnings.push(Finding::new(Place::Environment(variable.to_owned()), problem, remedy));
}
