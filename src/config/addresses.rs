//! Addresses of providers that differ from customer to customer, from the environment.

use super::{
    credentials::Credentials,
    finding::{Finding, Place},
    types::BaseUrl,
};
use crate::catalog::Provider;
use std::collections::BTreeMap;

/// Finds the address of each provider whose catalogue entry names a variable for it. The findings are warnings: a provider
/// that has keys but no address can't be used, nor can one whose address can't be read.
pub fn addresses<'a>(
    environment: &BTreeMap<String, String>,
    catalogue: impl IntoIterator<Item = &'a Provider>,
    credentials: &Credentials,
) -> (BTreeMap<String, BaseUrl>, Vec<Finding>) {
    let (mut found, mut warnings) = (BTreeMap::new(), Vec::new());
    for provider in catalogue {
        let Some(variable) = &provider.base_url_env else { continue };
        let given = environment.get(variable).map(|text| text.trim()).filter(|text| !text.is_empty());
        let read = given.map(BaseUrl::read);
        let problem = match read {
            Some(Ok(address)) => {
                found.insert(provider.id.clone(), address);
                continue;
            }
            Some(Err(problem)) => problem,
            None if provider.has_address() || credentials.keys(&provider.id).is_empty() => continue,
            None => format!("it is not set: {} has a key, but no address, and can't be used", provider.id),
        };
        let remedy = format!("set it to the address of your API, or set base_url in [providers.{}]", provider.id);
        warnings.push(Finding::new(Place::Environment(variable.clone()), problem, remedy));
    }
    warnings.sort();
    (found, warnings)
}
