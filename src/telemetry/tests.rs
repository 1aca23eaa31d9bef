#![expect(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use super::*;
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    fn writer(&self) -> impl for<'w> MakeWriter<'w> + Send + Sync + 'static {
        let sink = self.clone();
        move || sink.clone()
    }
}

#[test]
fn metric_names_are_unique_and_say_their_kind() {
    let distinct: BTreeSet<_> = names::METRICS.iter().map(|m| m.name).collect();
    assert_eq!(distinct.len(), names::METRICS.len());
    for metric in names::METRICS {
        assert!(metric.name.starts_with("satisfice_"), "{}", metric.name);
        let total = metric.name.ends_with("_total");
        assert!(total || metric.kind != names::MetricKind::Counter, "{} is a counter", metric.name);
        assert_eq!(metric.name.ends_with("_seconds"), metric.unit == metrics::Unit::Seconds, "{}", metric.name);
    }
}

#[test]
fn durations_are_rendered_in_buckets_with_their_help() {
    let recorder = build_recorder().unwrap();
    let handle = recorder.handle();
    metrics::with_local_recorder(&recorder, || {
        describe();
        metrics::histogram!(names::ROUTE_SECONDS).record(0.000_3);
        metrics::counter!(names::DECISIONS, "model" => "a/b").increment(1);
    });
    let page = handle.render();
    for line in [
        "# HELP satisfice_route_seconds Time from the parsed request to the decision.",
        "# TYPE satisfice_route_seconds histogram",
        "satisfice_route_seconds_bucket{le=\"0.0002\"} 0",
        "satisfice_route_seconds_bucket{le=\"0.0005\"} 1",
        "satisfice_decisions_total{model=\"a/b\"} 1",
    ] {
        assert!(page.contains(line), "{line} is missing in\n{page}");
    }
}

#[test]
fn buckets_rise_from_10_microseconds_to_100_seconds() {
    assert!(SECONDS_BUCKETS.is_sorted_by(|a, b| a < b));
    assert_eq!((SECONDS_BUCKETS[0], SECONDS_BUCKETS[21]), (1e-5, 100.0));
}

#[test]
fn json_logs_are_one_object_a_line() {
    let sink = Sink::default();
    let subscriber = json_subscriber(parse_filter("info").unwrap(), sink.writer());
    tracing::subscriber::with_default(subscriber, || {
        tracing::info!({ fields::PROVIDER } = "openai", "sent");
        tracing::debug!("filtered out");
    });
    let text = sink.text();
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 1);
    assert_eq!((&lines[0]["message"], &lines[0]["gen_ai.provider.name"]), (&"sent".into(), &"openai".into()));
}

#[test]
fn text_logs_obey_the_filter() {
    let sink = Sink::default();
    let subscriber = text_subscriber(parse_filter("warn").unwrap(), sink.writer(), false);
    tracing::subscriber::with_default(subscriber, || {
        tracing::info!("quiet");
        tracing::warn!("loud");
    });
    assert!(sink.text().contains("loud") && !sink.text().contains("quiet"));
}

#[test]
fn text_logs_are_coloured_only_where_colour_is_wanted() {
    for colour in [false, true] {
        let sink = Sink::default();
        let subscriber = text_subscriber(parse_filter("info").unwrap(), sink.writer(), colour);
        tracing::subscriber::with_default(subscriber, || tracing::info!(n = 1, "shown"));
        assert_eq!(sink.text().contains('\x1b'), colour, "{:?}", sink.text());
    }
}

#[test]
fn a_filter_that_cannot_be_read_is_named() {
    let error = parse_filter("satisfice=shouting").unwrap_err();
    assert!(error.to_string().contains("\"satisfice=shouting\""), "{error}");
}
