use super::*;
use proptest::prelude::*;
use std::time::{Duration, UNIX_EPOCH};

/// 2015-08-30T12:36:00Z, the moment of AWS's published signatures.
fn then() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_440_938_160)
}

/// The keys of AWS's published signatures.
fn keys(region: &str, session_token: Option<&str>) -> AwsAccess {
    AwsAccess {
        region: region.to_owned(),
        access_key_id: "AKIDEXAMPLE".to_owned(),
        secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned(),
        session_token: session_token.map(str::to_owned),
    }
}

fn call(model: &str) -> BedrockCall<'_> {
    BedrockCall { base_url: None, model, stream: false, body: b"{}" }
}

fn authorization(headers: &HeaderMap) -> &str {
    headers[AUTHORIZATION].to_str().expect("it is ASCII")
}

const HOST: &str = "https://example.amazonaws.com/";

#[test]
fn signatures_are_those_that_aws_publishes() {
    // `post-vanilla` and `post-sts-header-before` of AWS's signing test suite.
    let token = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfK\
                 D8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6\
                 fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj\
                 2ICCR/oLxBA==";
    for (token, signed, expected) in [
        (None, "host;x-amz-date", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        (
            Some(token),
            "host;x-amz-date;x-amz-security-token",
            "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
        ),
    ] {
        let headers =
            signature(&keys("us-east-1", token), "service", HOST, &[], b"", then()).expect("it can be signed");
        let scope = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request";
        assert_eq!(authorization(&headers), format!("{scope}, SignedHeaders={signed}, Signature={expected}"));
        assert_eq!(headers["x-amz-date"], "20150830T123600Z");
        assert_eq!(headers.get("x-amz-security-token").map(HeaderValue::as_bytes), token.map(str::as_bytes));
    }
}

#[test]
fn a_call_is_signed_as_botocore_signs_it() {
    // Both signatures are botocore 1.44.5's, for the same requests at the same moment.
    let access = BedrockAccess::Keys(keys("us-east-1", None));
    let model = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
    let whole = BedrockCall { body: br#"{"messages":[]}"#, ..call(model) };
    let signed_call = signed(&access, &whole, then()).expect("it can be signed");
    let url =
        "https://bedrock-runtime.us-east-1.amazonaws.com/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse";
    assert_eq!(signed_call.url, url);
    let authorization_of_whole = authorization(&signed_call.headers);
    assert!(
        authorization_of_whole.contains("SignedHeaders=content-type;host;x-amz-date, "),
        "{authorization_of_whole}"
    );
    assert!(authorization_of_whole.ends_with("=7415b2c1e839b363c983fcf2b2b9777726647dd92df0cc0ce218cffeeb8932c8"));

    let access = BedrockAccess::Keys(keys("eu-central-1", Some("a/session+token==")));
    let streamed = BedrockCall {
        base_url: Some("http://127.0.0.1:8080/bedrock/"),
        model: "arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.amazon.nova-lite-v1:0",
        stream: true,
        body: "{\"ü\":1}".as_bytes(),
    };
    let signed_call = signed(&access, &streamed, then()).expect("it can be signed");
    let path =
        "/model/arn%3Aaws%3Abedrock%3Aeu-central-1%3A123456789012%3Ainference-profile%2Feu.amazon.nova-lite-v1%3A0";
    assert_eq!(signed_call.url, format!("http://127.0.0.1:8080/bedrock{path}/converse-stream"));
    let headers = &signed_call.headers;
    assert!(authorization(headers).ends_with("=30d5fcdbafe260ed76192f24390a5c90e5f4baa545ae5f991b83795026bdbf71"));
    assert_eq!(
        (&headers[CONTENT_TYPE], &headers[ACCEPT]),
        (&JSON.parse().expect("a value"), &EVENT_STREAM.parse().expect("a value"))
    );
}

#[test]
fn an_api_key_is_sent_instead_of_a_signature() {
    let access = BedrockAccess::ApiKey { region: "us-west-2".to_owned(), key: "ABSK-key".to_owned() };
    let signed_call = signed(&access, &call("amazon.nova-lite-v1:0"), then()).expect("nothing is wrong with it");
    assert_eq!(
        signed_call.url,
        "https://bedrock-runtime.us-west-2.amazonaws.com/model/amazon.nova-lite-v1%3A0/converse"
    );
    assert_eq!(authorization(&signed_call.headers), "Bearer ABSK-key");
    assert!(!signed_call.headers.contains_key("x-amz-date"));
}

#[test]
fn secrets_are_never_printed() {
    let signed_access = BedrockAccess::Keys(keys("us-east-1", Some("SESSION")));
    let bearer = BedrockAccess::ApiKey { region: "us-east-1".to_owned(), key: "ABSK-key".to_owned() };
    for access in [signed_access, bearer] {
        let signed_call = signed(&access, &call("m"), then()).expect("it can be signed");
        let printed = format!("{access:?} {signed_call:?}");
        assert!(printed.contains("us-east-1"));
        assert!(!access.secrets().is_empty());
        for secret in access.secrets() {
            assert!(!printed.contains(secret), "{secret} shows in {printed}");
        }
    }
}

#[test]
fn what_would_lead_a_call_astray_is_refused() {
    let refused =
        |access: &AwsAccess, call: BedrockCall<'_>| signed(&BedrockAccess::Keys(access.clone()), &call, then()).err();
    for region in ["", "us-east-1.evil.example/", "US-EAST-1", "us east"] {
        assert_eq!(refused(&keys(region, None), call("m")), Some(Unsendable::Region(region.to_owned())));
    }
    for model in ["", ".", ".."] {
        assert_eq!(refused(&keys("us-east-1", None), call(model)), Some(Unsendable::Model(model.to_owned())));
    }
    for base in [
        "",
        "/v1",
        "https://",
        "https:///v1",
        "ftp://host",
        "https://user@host",
        "https://Host",
        "https://host/?q",
        "host",
    ] {
        let call = BedrockCall { base_url: Some(base), ..call("m") };
        assert_eq!(refused(&keys("us-east-1", None), call), Some(Unsendable::BaseUrl(base.to_owned())));
    }
    for base in ["http://[::1]:8080", "https://vpce-1-a.bedrock-runtime.us-east-1.vpce.amazonaws.com/"] {
        assert_eq!(
            refused(&keys("us-east-1", None), BedrockCall { base_url: Some(base), ..call("m") }),
            None,
            "{base}"
        );
    }
    for token in ["", "a b", "a\nb", "ü"] {
        assert_eq!(refused(&keys("us-east-1", Some(token)), call("m")), Some(Unsendable::Credentials));
    }
    let bearer = BedrockAccess::ApiKey { region: "us-east-1".to_owned(), key: "a\nb".to_owned() };
    assert_eq!(signed(&bearer, &call("m"), then()).err(), Some(Unsendable::Credentials));
}

#[test]
fn exceptions_have_the_status_that_the_api_gives_them() {
    let of = |kind| status(kind);
    assert_eq!(
        [of("throttlingException"), of("validationException"), of("modelStreamErrorException")],
        [429, 400, 424]
    );
    assert_eq!(
        [of("serviceUnavailableException"), of("internalServerException"), of("neverSeenException")],
        [503, 500, 500]
    );
}

proptest! {
    #[test]
    fn anything_is_signed_or_refused(
        region in "[a-z0-9-]{0,9}|\\PC{0,5}",
        model in "\\PC{0,30}",
        base in proptest::option::of("https?://[a-z0-9.:\\[\\]-]{0,8}(/[a-z%/.]{0,6})?|\\PC{0,12}"),
        token in proptest::option::of("\\PC{0,10}"),
        body in proptest::collection::vec(any::<u8>(), 0..50),
    ) {
        let access = BedrockAccess::Keys(keys(&region, token.as_deref()));
        let call = BedrockCall { base_url: base.as_deref(), model: &model, stream: true, body: &body };
        if let Ok(signed_call) = signed(&access, &call, then()) {
            prop_assert!(signed_call.url.is_ascii() && signed_call.url.ends_with("/converse-stream"));
            prop_assert!(signed_call.headers.contains_key(AUTHORIZATION));
        }
    }
}
