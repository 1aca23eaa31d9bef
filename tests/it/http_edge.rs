//! Operations, the OpenAPI document, and what every route has in common.

use crate::support::{TestApp, request, settings};
use axum::{body::Body, http::Method};
use satisfice::telemetry::{self, names};
use serde_json::{Value, json};

#[tokio::test]
async fn every_documented_operation_is_served() {
    let app = TestApp::start().await;
    let served = app.get("/openapi.json").await;
    assert_eq!(served.text, satisfice::http::openapi());
    let document = served.json();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for method in item.as_object().expect("operations").keys() {
            let method: Method = method.to_uppercase().parse().expect("a method");
            let path = path.replace("{id}", "strange");
            let answer = app.send(request(method.clone(), &path).body(Body::empty()).expect("a request")).await;
            // A well-formed id of nothing is an honest 404.
            let unserved = |code: &str| answer.text.contains(&format!("\"code\":\"{code}\""));
            assert!(
                !unserved("route_not_found") && !unserved("method_not_allowed"),
                "{method} {path}: {}",
                answer.text
            );
            assert!(answer.header("x-request-id").is_some(), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn nothing_undocumented_is_served() {
    let app = TestApp::start().await;
    for path in ["/", "/v1", "/v1/route/", "/v1/completions", "/admin", "/docs"] {
        let answer = app.get(path).await;
        assert_eq!((answer.status.as_u16(), answer.error().1.as_str()), (404, "route_not_found"), "{path}");
    }
}

#[tokio::test]
async fn a_path_that_is_not_served_names_the_one_that_was_meant() {
    let app = TestApp::start().await;
    let base = "Set the client's base URL to http://localhost:8080/v1";
    let twice = "did you mean /v1/messages? /v1 is there twice";
    let cases = [
        ("/chat/completions", format!("did you mean /v1/chat/completions? {base}")),
        ("/models/simulated/steady", format!("did you mean /v1/models/simulated/steady? {base}")),
        ("/v1/v1/messages", twice.to_owned()),
        ("/v1/chat/completion", "did you mean /v1/chat/completions?".to_owned()),
        ("/v1/responses/", "did you mean /v1/responses?".to_owned()),
        ("/v1/completions", "did you mean /v1/chat/completions?".to_owned()),
        ("/proxy/v1/embeddings", "did you mean /v1/embeddings?".to_owned()),
    ];
    for (path, hint) in cases {
        let asked = request(Method::POST, path).header("host", "localhost:8080");
        let answer = app.send(asked.body(Body::empty()).expect("a request")).await;
        assert_eq!((answer.status.as_u16(), answer.error().1.as_str()), (404, "route_not_found"), "{path}");
        assert!(answer.text.contains(&hint), "{path}: {}", answer.text);
    }
    let strange = request(Method::POST, "/chat/completions").header("host", "<script>");
    let answer = app.send(strange.body(Body::empty()).expect("a request")).await;
    assert!(answer.text.contains("http://HOST/v1") && !answer.text.contains("script"), "{}", answer.text);
    assert!(!app.get("/wp-login.php").await.text.contains("did you mean"));
}

#[tokio::test]
async fn a_wrong_method_names_the_right_ones() {
    let app = TestApp::start().await;
    let cases = [
        (Method::GET, "/v1/chat/completions", "POST", "does not take GET, only POST"),
        (Method::POST, "/v1/models/simulated/steady", "GET,HEAD", "does not take POST, only GET, HEAD"),
        (Method::DELETE, "/v1/models/auto", "GET,HEAD", "does not take DELETE, only GET, HEAD"),
    ];
    for (method, path, allowed, told) in cases {
        let answer = app.send(request(method, path).body(Body::empty()).expect("a request")).await;
        assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, Some(allowed)), "{path}: {}", answer.text);
        assert!(answer.text.contains(told), "{path}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_model_is_shown_by_its_name_with_or_without_its_slash_escaped() {
    let app = TestApp::start().await;
    let list = app.get("/v1/models").await.json();
    let listed = |id: &str| list["data"].as_array().into_iter().flatten().find(|m| m["id"] == id).cloned();
    for id in ["auto", "careful", "simulated/steady", "openai/gpt-5.4-mini"] {
        for path in [id.to_owned(), id.replace('/', "%2F")] {
            let answer = app.get(&format!("/v1/models/{path}")).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.text);
            assert_eq!(Some(answer.json()), listed(id), "{path}");
        }
    }
}

#[tokio::test]
async fn an_unknown_model_is_a_404_that_names_near_ones() {
    let app = TestApp::start().await;
    let shown = app.get("/v1/models/gpt-5.4-mini").await;
    let asked = json!({"model": "gpt-5.4-mini", "messages": [{"role": "user", "content": "hello"}]});
    let chat = app.post("/v1/chat/completions", &asked).await;
    for (answer, field) in [(shown, "id"), (chat, "model")] {
        let error = ("not_found_error".to_owned(), "model_not_found".to_owned(), Some(field.to_owned()));
        assert_eq!((answer.status.as_u16(), answer.error()), (404, error), "{}", answer.text);
        let message = answer.json()["error"]["message"].as_str().unwrap_or_default().to_owned();
        assert!(message.contains("did you mean ") && message.contains("openai/gpt-5.4-mini"), "{message}");
    }
    let strange = app.get("/v1/models/nothing/like/it").await;
    assert_eq!(strange.status, 404);
    assert!(strange.text.contains("nothing/like/it") && !strange.text.contains("did you mean"), "{}", strange.text);
}

#[tokio::test]
async fn it_is_alive_from_the_start_and_ready_when_told() {
    let app = TestApp::start().await;
    assert_eq!(app.get("/healthz").await.json()["status"], "alive");
    assert_eq!(app.get("/readyz").await.status, 503);
    app.readiness.set(true);
    let ready = app.get("/readyz").await;
    assert_eq!(ready.status, 200);
    let body = ready.json();
    assert!(body["models_usable"].as_u64().is_some_and(|n| n > 1));
    assert_eq!((&body["scopes"][0]["scope"], &body["scopes"][0]["version"]), (&json!("default"), &json!(0)));
    assert_eq!(body["scopes"][0]["digest"].as_str().map(str::len), Some(64));
}

#[tokio::test]
async fn metrics_are_in_the_text_format() {
    let app = TestApp::start().await;
    let answer = app.get("/metrics").await;
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
}

/// The one test that records for the whole process: encoders measure on threads of their own.
#[tokio::test]
async fn every_metric_that_is_described_is_measured() {
    let metrics = telemetry::recorder().expect("no other test installs a recorder");
    let app = TestApp::start().await;
    let decision = app.post("/v1/route", &json!({"input": "hello"})).await.json();
    app.post("/v1/feedback", &json!({"decision_id": decision["decision_id"], "score": 1})).await;
    app.router.learner(&settings()).resume().await.expect("the log reads");
    for (model, status) in [("simulated/steady", 200), ("simulated/broken", 502)] {
        let body = json!({"model": model, "messages": [{"role": "user", "content": "hello"}]});
        assert_eq!(app.post("/v1/chat/completions", &body).await.status, status);
    }
    let kept = json!({"model": "simulated/steady", "messages": [{"role": "user", "content": "hello"}],
                      "route": {"cache": "exact"}});
    for said in ["miss", "hit"] {
        let answer = app.post("/v1/chat/completions", &kept).await;
        assert_eq!(answer.header("x-satisfice-cache"), Some(said));
    }
    // Two need a full queue, one an encoder with a cache, one a provider that says nothing of tokens.
    let elsewhere =
        [names::ENCODER_QUEUE_REJECTED, names::STORE_QUEUE_REJECTED, names::ENCODER_CACHE_HITS, names::ESTIMATED_BILLS];
    assert_eq!(app.get("/metrics").await.status, 200, "breakers are shown when somebody looks");
    let page = metrics.render();
    for metric in names::METRICS.iter().filter(|metric| !elsewhere.contains(&metric.name)) {
        assert!(page.contains(&format!("# TYPE {} ", metric.name)), "{} is missing in\n{page}", metric.name);
    }
    for line in [
        "satisfice_posterior_version{scope=\"default\"} 1",
        "satisfice_decisions_total{model=\"simulated/broken\",policy=\"default\",explored=\"false\"}",
        "satisfice_upstream_errors_total{provider=\"simulated\",model=\"simulated/broken\",class=\"server_error\"}",
        "satisfice_spend_usd_total{provider=\"simulated\",model=\"simulated/steady\"}",
    ] {
        assert!(page.contains(line), "{line} is missing in\n{page}");
    }
}

#[tokio::test]
async fn the_model_list_has_virtual_names_usable_models_and_reasons() {
    let app = TestApp::start().await;
    let list = app.get("/v1/models").await.json();
    assert_eq!(list["object"], "list");
    let data = list["data"].as_array().expect("data");
    let find = |id: &str| data.iter().find(|m| m["id"] == id).unwrap_or_else(|| panic!("no {id}"));
    for name in ["auto", "default", "careful"] {
        assert_eq!((&find(name)["kind"], &find(name)["owned_by"]), (&json!("router"), &json!("satisfice")));
    }
    let usable = find("simulated/large");
    assert_eq!((&usable["usable"], &usable["unusable_because"]), (&json!(true), &Value::Null));
    assert!(usable["details"]["price"]["input_usd_per_million"].is_f64());
    assert_eq!(find("openai/text-embedding-3-small")["kind"], "embedding");
    let unusable = data.iter().filter(|m| m["usable"] == false);
    assert!(unusable.clone().count() > 0 && unusable.clone().all(|m| m["unusable_because"].is_string()));
}
