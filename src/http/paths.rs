//! The paths that are served, for whoever asked for another one or in another way.

use crate::domain::nearest;
use axum::http::{HeaderMap, Uri, header};
use utoipa::openapi::{OpenApi, PathItem};

/// The version that stands before nearly every path, and that clients add or leave out.
const VERSION: &str = "/v1";
/// The one path whose last part may have slashes of its own.
const OF_MODEL: &str = "/v1/models/{id}";
/// Beyond so many bytes nothing is near: a distance takes as long as both lengths multiplied.
const LONGEST: usize = 256;

/// What is served, as the OpenAPI document has it.
#[derive(Debug, Clone, Default)]
pub(super) struct Paths(Vec<Served>);

#[derive(Debug, Clone)]
struct Served {
    template: String,
    methods: Vec<&'static str>,
}

impl Paths {
    /// All paths of a document.
    pub(super) fn of(document: &OpenApi) -> Self {
        let served = document.paths.paths.iter();
        Self(served.map(|(path, item)| Served { template: path.clone(), methods: methods(item) }).collect())
    }

    /// The methods that a path takes; none if it is not served.
    pub(super) fn methods(&self, path: &str) -> Vec<&'static str> {
        let served = self.0.iter().filter(|served| served.is_at(path));
        served.flat_map(|served| served.methods.iter().copied()).collect()
    }

    /// What was probably meant by a path that is not served, as a question, and what to set so that it is asked for.
    pub(super) fn hint(&self, uri: &Uri, headers: &HeaderMap) -> Option<String> {
        let path = uri.path();
        let is_served = |path: &str| self.0.iter().any(|served| served.is_at(path));
        let versioned = format!("{VERSION}{path}");
        if is_served(&versioned) {
            let base = base_url(uri, headers);
            return Some(format!("did you mean {versioned}? Set the client's base URL to {base}{VERSION}"));
        }
        let once = path.strip_prefix(VERSION).filter(|rest| rest.starts_with("/v1/") && is_served(rest));
        if let Some(once) = once {
            let base = base_url(uri, headers);
            return Some(format!(
                "did you mean {once}? {VERSION} is there twice: Anthropic's clients add it themselves, so set their base URL to \
                 {base}, and that of OpenAI's to {base}{VERSION}"
            ));
        }
        let near = self.near(path.trim_end_matches('/'))?;
        Some(format!("did you mean {near}?"))
    }

    /// A path of the same kind, of nearly the same letters, or with the same end.
    fn near(&self, path: &str) -> Option<String> {
        if path.is_empty() || path.len() > LONGEST {
            return None;
        }
        let templates = || self.0.iter().map(|served| served.template.as_str());
        let same = self.0.iter().any(|served| served.is_at(path)).then(|| path.to_owned());
        let last = |path: &str| path.rsplit('/').next().map(str::to_owned);
        same.or_else(|| nearest(path, templates()))
            .or_else(|| templates().find(|template| path.ends_with(template)).map(str::to_owned))
            .or_else(|| templates().find(|template| last(template) == last(path)).map(str::to_owned))
    }
}

impl Served {
    fn is_at(&self, path: &str) -> bool {
        if self.template == OF_MODEL {
            let (before, _) = OF_MODEL.split_at(OF_MODEL.len() - "{id}".len());
            return path.strip_prefix(before).is_some_and(|id| !id.is_empty() && !id.ends_with('/'));
        }
        let (mut parts, mut given) = (self.template.split('/'), path.split('/'));
        loop {
            match (parts.next(), given.next()) {
                (None, None) => return true,
                (Some(part), Some(text)) if part == text || (part.starts_with('{') && !text.is_empty()) => {}
                _ => return false,
            }
        }
    }
}

fn methods(item: &PathItem) -> Vec<&'static str> {
    // Whatever answers GET answers HEAD.
    let all: [(_, &[&'static str]); 5] = [
        (&item.get, &["GET", "HEAD"]),
        (&item.post, &["POST"]),
        (&item.put, &["PUT"]),
        (&item.patch, &["PATCH"]),
        (&item.delete, &["DELETE"]),
    ];
    all.iter().filter(|(operation, _)| operation.is_some()).flat_map(|(_, names)| names.iter().copied()).collect()
}

/// Where the client reaches the service, as it says itself; a stand-in where what it says is no address.
fn base_url(uri: &Uri, headers: &HeaderMap) -> String {
    let said = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let host = uri.authority().map(|authority| authority.as_str()).or_else(|| said(header::HOST.as_str()));
    let is_address = |host: &&str| {
        host.len() <= LONGEST && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".:-[]_".contains(&b))
    };
    let host = host.filter(is_address).filter(|host| !host.is_empty()).unwrap_or("HOST");
    let scheme = if said("x-forwarded-proto") == Some("https") { "https" } else { "http" };
    format!("{scheme}://{host}")
}
