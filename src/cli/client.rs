//! A client of the service's HTTP interface: of a service somewhere, or of one inside this process.

use crate::http;
use anyhow::{Context, anyhow, bail};
use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, Method, Request},
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};
use tokio::time::sleep;
use tower::ServiceExt;

/// How often a call is repeated that was turned away because too many came at once.
const PATIENCE: u32 = 50;
/// The wait between two such calls when the service names none.
const PAUSE: Duration = Duration::from_millis(100);

/// Where the calls go.
#[derive(Clone)]
pub(super) enum Client {
    /// A service at this address.
    Remote {
        /// Connections.
        http: reqwest::Client,
        /// URL before the path, without a slash at its end.
        base: String,
        /// `SATISFICE_API_KEY`.
        key: Option<String>,
    },
    /// A service in this process, without a socket.
    Local(axum::Router),
}

/// What came back.
pub(super) struct Answer {
    /// HTTP status.
    pub(super) status: u16,
    /// Headers.
    pub(super) headers: HeaderMap,
    /// The body as it came.
    pub(super) body: Vec<u8>,
}

impl Client {
    /// A client of the service at this address.
    ///
    /// # Errors
    /// The address can't be read, or the HTTP client not be set up.
    pub(super) fn remote(server: &str) -> anyhow::Result<Self> {
        // Any second install is a no-op: the provider is process-wide.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let url = reqwest::Url::parse(server).with_context(|| format!("{server:?} is not a URL"))?;
        let builder = reqwest::Client::builder().tcp_nodelay(true).connect_timeout(Duration::from_secs(5));
        // A proxy from the environment has no business between this machine and itself.
        let builder = if is_loopback(&url) { builder.no_proxy() } else { builder };
        let key = std::env::var("SATISFICE_API_KEY").ok().filter(|key| !key.is_empty());
        Ok(Self::Remote { http: builder.build()?, base: server.trim_end_matches('/').to_owned(), key })
    }

    /// A client of the service that listens here; an unspecified address is reached over loopback.
    ///
    /// # Errors
    /// The HTTP client can't be set up.
    pub(super) fn listening_on(address: SocketAddr) -> anyhow::Result<Self> {
        let ip = match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
            ip => ip,
        };
        Self::remote(&format!("http://{}", SocketAddr::new(ip, address.port())))
    }

    /// The same with another key; in this process there is none to show.
    pub(super) fn with_key(self, key: String) -> Self {
        match self {
            Self::Remote { http, base, .. } => Self::Remote { http, base, key: Some(key) },
            local @ Self::Local(_) => local,
        }
    }

    /// Whether a service answers at all.
    pub(super) async fn is_alive(&self) -> bool {
        let answer = tokio::time::timeout(Duration::from_secs(2), self.once(Method::GET, "/healthz", None)).await;
        answer.is_ok_and(|answer| answer.is_ok_and(|answer| answer.status == 200))
    }

    /// Gets JSON.
    ///
    /// # Errors
    /// What the service says, or that it can't be reached or understood.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        self.once(Method::GET, path, None).await?.json()
    }

    /// Deletes and gets JSON.
    ///
    /// # Errors
    /// What the service says, or that it can't be reached or understood.
    pub(super) async fn delete<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        self.once(Method::DELETE, path, None).await?.json()
    }

    /// Posts JSON and gets JSON; waits and repeats when the service is busy.
    ///
    /// # Errors
    /// What the service says, or that it can't be reached or understood.
    pub(super) async fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> anyhow::Result<T> {
        self.send(path, body).await?.json()
    }

    /// Posts JSON; waits and repeats when the service is busy.
    ///
    /// # Errors
    /// The service can't be reached, or stays busy.
    pub(super) async fn send(&self, path: &str, body: &Value) -> anyhow::Result<Answer> {
        let body = serde_json::to_vec(body)?;
        for _ in 0..PATIENCE {
            let answer = self.once(Method::POST, path, Some(&body)).await?;
            match answer.busy() {
                Some(wait) => sleep(wait).await,
                None => return Ok(answer),
            }
        }
        bail!("the service stays busy; lower the concurrency")
    }

    async fn once(&self, method: Method, path: &str, body: Option<&[u8]>) -> anyhow::Result<Answer> {
        match self {
            Self::Remote { http, base, key } => {
                let mut request = http.request(method, format!("{base}{path}"));
                if let Some(body) = body {
                    request = request.header("content-type", "application/json").body(body.to_vec());
                }
                if let Some(key) = key {
                    request = request.bearer_auth(key);
                }
                let response = request.send().await.with_context(|| format!("no answer from {base}"))?;
                let (status, headers) = (response.status().as_u16(), response.headers().clone());
                Ok(Answer { status, headers, body: response.bytes().await?.into() })
            }
            Self::Local(app) => {
                let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
                let request = request.body(body.map_or_else(Body::empty, |body| Body::from(body.to_vec())))?;
                let response = app.clone().oneshot(request).await?;
                let (status, headers) = (response.status().as_u16(), response.headers().clone());
                Ok(Answer { status, headers, body: to_bytes(response.into_body(), usize::MAX).await?.into() })
            }
        }
    }
}

fn is_loopback(url: &reqwest::Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

impl Answer {
    /// The body, when it is a success.
    ///
    /// # Errors
    /// The service's own message otherwise.
    pub(super) fn json<T: DeserializeOwned>(&self) -> anyhow::Result<T> {
        if !(200..300).contains(&self.status) {
            return Err(self.error());
        }
        serde_json::from_slice(&self.body).context("the service's answer can't be read")
    }

    /// What the error envelope says.
    pub(super) fn error(&self) -> anyhow::Error {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        match body["error"]["message"].as_str() {
            Some(message) => anyhow!("{message}"),
            None => anyhow!("the service answered {} without saying why", self.status),
        }
    }

    /// The code in the error envelope.
    fn code(&self) -> Option<String> {
        let body: Value = serde_json::from_slice(&self.body).ok()?;
        body["error"]["code"].as_str().map(str::to_owned)
    }

    /// A header's text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// How long to wait, when too much was asked at once. What only the operator can mend is not waited for.
    fn busy(&self) -> Option<Duration> {
        let named = || self.header("retry-after-ms")?.parse().ok().map(Duration::from_millis);
        let is_busy = self.status == 429 || (self.status == 503 && self.headers.contains_key("retry-after"));
        let is_busy = is_busy && self.code().as_deref() != Some(http::NOTHING_ENABLED);
        let is_busy = is_busy && self.header("x-should-retry") != Some("false");
        is_busy.then(|| named().unwrap_or(PAUSE).min(Duration::from_secs(5)))
    }
}
