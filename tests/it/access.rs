//! API keys, limits and budgets through the HTTP interface.

mod budgets;
mod limits;
mod tenants;

use crate::support::{Answer, Make, TestApp};
use axum::http::Method;
use satisfice::{
    access::{KEY_BYTES, NewKey},
    domain::Tenant,
    router::{Clock, SystemClock},
};
use serde_json::{Value, json};
use std::{path::Path, process::Command};

const ADMIN: &str = "9f86d081884c7d659a2feaa0c55ad015";

/// A service that asks for keys.
async fn guarded(make: Make) -> TestApp {
    TestApp::make(Make { admin: Some(ADMIN), ..make }).await
}

/// What `/admin` answers to a key that is wished for.
async fn issue(app: &TestApp, wishes: Value) -> Value {
    let mut body = json!({"name": "app", "tenant": "acme"});
    for (name, value) in wishes.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    let answer = app.send_as(ADMIN, Method::POST, "/admin/keys", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

/// A key that is wished for.
async fn key(app: &TestApp, wishes: Value) -> String {
    issue(app, wishes).await["key"].as_str().expect("a key").to_owned()
}

async fn post_as(app: &TestApp, key: &str, path: &str, fields: Value) -> Answer {
    let mut body = json!({"messages": [{"role": "user", "content": "What is 2 + 2?"}], "model": "simulated/steady"});
    for (name, value) in fields.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    app.send_as(key, Method::POST, path, &body).await
}

async fn chat_as(app: &TestApp, key: &str, fields: Value) -> Answer {
    post_as(app, key, "/v1/chat/completions", fields).await
}

async fn get_as(app: &TestApp, key: &str, path: &str) -> Answer {
    app.send_as(key, Method::GET, path, &Value::Null).await
}

/// Status and code.
#[track_caller]
fn refusal(answer: &Answer) -> (u16, String) {
    (answer.status.as_u16(), answer.error().1)
}

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn once_a_key_is_made_callers_must_show_one() {
    let app = TestApp::start().await;
    let ask = json!({"input": "hello"});
    let before = app.post("/v1/route", &ask).await;
    assert_eq!(before.status, 200, "{}", before.text);
    assert_eq!(app.send_as("sk-of-some-client", Method::POST, "/v1/route", &ask).await.status, 200);

    let new = NewKey { name: "first".to_owned(), tenant: Tenant::from("acme"), ..NewKey::default() };
    let issued = app.keys.create(new, &[7; KEY_BYTES], SystemClock.now()).await.expect("a key");
    for path in ["/v1/route", "/v1/chat/completions", "/v1/feedback", "/v1/feedback/batch"] {
        assert_eq!(refusal(&app.post(path, &ask).await), refused(401, "missing_api_key"), "{path}");
    }
    for path in ["/v1/models", "/v1/decisions/0199f3c2-6c1e-7a51-9a55-1f5a3a1c9a2e"] {
        assert_eq!(refusal(&app.get(path).await), refused(401, "missing_api_key"), "{path}");
    }
    let wrong = app.send_as("sk-of-some-client", Method::POST, "/v1/route", &ask).await;
    assert_eq!(refusal(&wrong), refused(401, "invalid_api_key"));
    assert_eq!(app.send_as(issued.key.expose(), Method::POST, "/v1/route", &ask).await.status, 200);
    assert_eq!(app.get("/healthz").await.status, 200, "operations are nobody's secret");
}

#[tokio::test]
async fn a_key_gets_the_models_and_policies_that_it_lists_and_no_others() {
    let app = guarded(Make::default()).await;
    let key = key(&app, json!({"models": ["*/steady"], "policies": ["default"]})).await;
    for path in ["/v1/route", "/v1/chat/completions"] {
        let ask = async |model: &str| post_as(&app, &key, path, json!({"model": model})).await;
        assert_eq!(refusal(&ask("simulated/large").await), refused(403, "model_not_allowed"));
        let careful = ask("careful").await;
        assert_eq!(refusal(&careful), refused(403, "policy_not_allowed"));
        assert_eq!(careful.error().2.as_deref(), Some("model"));
        for allowed in ["auto", "default", "simulated/steady"] {
            let answer = ask(allowed).await;
            assert_eq!(answer.header("x-satisfice-model"), Some("simulated/steady"), "{}", answer.text);
        }
    }
    let explained = post_as(&app, &key, "/v1/route", json!({"model": "auto", "route": {"explain": true}})).await.json();
    let candidates = explained["candidates"].as_array().expect("candidates");
    let large = candidates.iter().find(|c| c["model"] == "simulated/large").expect("it is listed");
    assert_eq!(large["excluded_by"]["rule"], "not_allowed");
}

#[tokio::test]
async fn keys_are_made_listed_rotated_and_revoked_without_a_restart() {
    let app = guarded(Make::default()).await;
    let made = issue(&app, json!({"name": "billing", "requests_per_minute": 60})).await;
    let (id, old) = (made["id"].as_str().expect("an id"), made["key"].as_str().expect("a key"));
    assert_eq!(chat_as(&app, old, json!({})).await.status, 200);

    let admin = async |method, path: &str, body: Value| app.send_as(ADMIN, method, path, &body).await;
    let rotate = format!("/admin/keys/{id}/rotate");
    let next = admin(Method::POST, &rotate, json!({"grace_seconds": 3600})).await.json();
    let (next_id, new) = (next["id"].as_str().expect("an id"), next["key"].as_str().expect("a key"));
    assert_eq!((&next["rotated_from"], &next["requests_per_minute"]), (&json!(id), &json!(60)));
    for key in [old, new] {
        assert_eq!(chat_as(&app, key, json!({})).await.status, 200, "both count for a while");
    }
    let again = admin(Method::POST, &rotate, json!({})).await;
    assert_eq!(refusal(&again), refused(409, "key_replaced"));

    let gone = admin(Method::DELETE, &format!("/admin/keys/{next_id}"), Value::Null).await;
    assert_eq!((gone.status.as_u16(), &gone.json()["status"]), (200, &json!("revoked")));
    assert_eq!(refusal(&chat_as(&app, new, json!({})).await), refused(401, "revoked_api_key"), "at once");
    assert_eq!(chat_as(&app, old, json!({})).await.status, 200);

    let list = admin(Method::GET, "/admin/keys", Value::Null).await;
    let listed: Vec<_> = list.json()["data"].as_array().into_iter().flatten().map(|k| k["status"].clone()).collect();
    assert_eq!(listed, [json!("active"), json!("revoked")]);
    let secrets = [old, new].map(|key| key.rsplit('-').next().unwrap_or_default().to_owned());
    assert!(secrets.iter().all(|secret| secret.len() == 48 && !list.text.contains(secret)), "secrets are told once");
    assert_eq!(refusal(&get_as(&app, old, "/admin/keys").await), refused(401, "invalid_admin_key"));
    assert_eq!(refusal(&chat_as(&app, ADMIN, json!({})).await), refused(401, "invalid_api_key"));
}

#[tokio::test]
async fn a_decision_is_shown_to_its_own_tenant_alone() {
    let app = guarded(Make::default()).await;
    let (mine, colleague) = (key(&app, json!({})).await, key(&app, json!({"name": "colleague"})).await);
    let stranger = key(&app, json!({"tenant": "other"})).await;
    let answer = chat_as(&app, &mine, json!({})).await;
    let id = answer.header("x-satisfice-decision-id").expect("a decision").to_owned();
    let show = async |key: &str, id: &str| get_as(&app, key, &format!("/v1/decisions/{id}")).await;
    for key in [&mine, &colleague] {
        assert_eq!(show(key, &id).await.status, 200);
    }
    let hidden = show(&stranger, &id).await;
    let unknown_id = "0199f3c2-6c1e-7a51-9a55-1f5a3a1c9a2e";
    let unknown = show(&stranger, unknown_id).await;
    assert_eq!(refusal(&hidden), refused(404, "decision_not_found"));
    assert_eq!(hidden.text, unknown.text.replace(unknown_id, &id), "nothing tells them apart");
}

/// The program on a data folder, with nobody as administrator.
fn satisfice(data: &Path, arguments: &[&str]) -> (bool, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_satisfice"));
    command.args(arguments).arg("--data-dir").arg(data).env_remove("SATISFICE_ADMIN_KEY");
    let output = command.output().expect("the program runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (output.status.success(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_service_that_others_can_reach_does_not_start_without_a_key() {
    // The real encoder must be in the cache.
    let _ = crate::support::real_folder();
    let data = tempfile::tempdir().expect("a temporary folder");
    let (started, _, said) = satisfice(data.path(), &["serve", "--listen", "0.0.0.0:0"]);
    assert!(!started && said.contains("satisfice keys create"), "{said}");

    let (made, key, said) = satisfice(data.path(), &["keys", "create", "app", "--budget-usd-per-month", "5"]);
    assert!(made && key.trim().starts_with("sat-") && key.trim().len() == 65, "{key}{said}");
    let (listed, table, said) = satisfice(data.path(), &["keys", "list"]);
    assert!(listed && table.contains("app") && table.contains("$5.00"), "{table}{said}");
    assert!(!table.contains(key.trim()), "{table}");
}
