#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop")]

use super::*;
use crate::domain::{DecisionId, ModelId, OutcomeStatus, UnixMillis};
use uuid::Uuid;

fn outcome(n: u64) -> Outcome {
    Outcome {
        decision_id: DecisionId::from_uuid(Uuid::from_u128(u128::from(n))),
        served_model: ModelId::from("acme/\"small\" ☂\n"),
        completion_id: None,
        status: OutcomeStatus::Ok,
        input_tokens: Some(u32::MAX),
        cached_tokens: None,
        cache_write_tokens: None,
        output_tokens: None,
        reasoning_tokens: None,
        cost_usd: None,
        cost_is_estimate: false,
        attempts: Some(vec![]),
        first_byte_ms: Some(1.0 / 3.0),
        latency_ms: 0.1 + 0.2,
        at: UnixMillis(1_760_000_000_123),
    }
}

fn write(journal: &Journal, n: u64) -> u64 {
    journal.turn().write(Lines::default().and(&outcome(n)).unwrap()).unwrap()
}

fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    (folder, path)
}

fn entries(numbers: impl IntoIterator<Item = u64>) -> Vec<(u64, Entry)> {
    numbers.into_iter().map(|n| (n, Entry::Outcome(Box::new(outcome(n))))).collect()
}

/// Bytes in both files.
fn size(path: &Path) -> u64 {
    paths(path).iter().map(|path| fs::metadata(path).unwrap().len()).sum()
}

#[test]
fn lines_that_are_written_together_have_numbers_that_follow() {
    let (_folder, path) = place();
    let journal = Journal::open(&path, 7).unwrap();
    let two = Lines::default().and(&outcome(8)).unwrap().and(&outcome(9)).unwrap();
    assert_eq!(journal.turn().write(two).unwrap(), 8);
    assert_eq!(write(&journal, 10), 10);
    assert_eq!(Journal::left(&path, 7).unwrap(), entries(8..=10));
    assert_eq!(Journal::left(&path, 8).unwrap(), entries(9..=10), "each has its own");
}

#[test]
fn what_was_written_is_left_as_it_was_and_only_what_was_not_committed() {
    let (_folder, path) = place();
    assert_eq!(Journal::left(&path, 0).unwrap(), [], "there are no files yet");
    let journal = Journal::open(&path, 40).unwrap();
    assert!(journal.is_settled());
    assert_eq!((41..=45).map(|n| write(&journal, n)).collect::<Vec<_>>(), (41..=45).collect::<Vec<_>>());
    assert!(!journal.is_settled());
    assert_eq!(Journal::left(&path, 40).unwrap(), entries(41..=45));
    assert_eq!(Journal::left(&path, 43).unwrap(), entries(44..=45));
    journal.committed(44);
    journal.finish().unwrap();
    assert_eq!(Journal::left(&path, 44).unwrap(), entries([45]), "not all was committed");
    journal.committed(45);
    assert!(journal.is_settled());
    journal.finish().unwrap();
    assert_eq!(size(&path), 0);
}

#[test]
fn files_take_turns_so_that_they_stay_small() {
    let (_folder, path) = place();
    let journal = Journal::open(&path, 0).unwrap();
    let line = Lines::default().and(&outcome(1)).unwrap().text.len() as u64;
    let many = TURN_BYTES / line + 1;
    // The database is always a thousand lines behind.
    for n in 1..=5 * many {
        write(&journal, n);
        journal.committed(n.saturating_sub(1000));
    }
    assert!(size(&path) <= 2 * TURN_BYTES + line, "{} bytes", size(&path));
    assert_eq!(Journal::left(&path, 5 * many - 1000).unwrap(), entries(5 * many - 999..=5 * many));
}

#[test]
fn a_file_is_not_given_up_while_a_line_of_it_is_only_there() {
    let (_folder, path) = place();
    let journal = Journal::open(&path, 0).unwrap();
    let many = TURN_BYTES / Lines::default().and(&outcome(1)).unwrap().text.len() as u64 + 1;
    assert_eq!((1..=3 * many).map(|n| write(&journal, n)).last(), Some(3 * many));
    journal.committed(many - 1);
    assert_eq!(Journal::left(&path, many - 1).unwrap(), entries(many..=3 * many));
}

#[test]
fn a_line_that_was_cut_off_is_nothing_and_one_that_cant_be_read_is_kept_aside() {
    let (_folder, path) = place();
    let journal = Journal::open(&path, 0).unwrap();
    assert_eq!((1..=3).map(|n| write(&journal, n)).last(), Some(3));
    let file = &paths(&path)[0];
    let mut text = fs::read(file).unwrap();
    text.truncate(text.len() - 1);
    fs::write(file, &text).unwrap();
    assert_eq!(Journal::left(&path, 0).unwrap(), entries(1..=2));
    let aside = path.with_file_name("log.db-pending.1.unreadable");
    assert!(!aside.exists());
    // What a loss of power may leave in the middle of a file.
    let second = text.iter().position(|&byte| byte == b'\n').unwrap() + 1;
    text[second..second + 40].fill(0);
    text.push(b'\n');
    fs::write(file, &text).unwrap();
    assert_eq!(Journal::left(&path, 0).unwrap(), entries([1, 3]));
    assert_eq!(fs::read(aside).unwrap(), text);
}

#[test]
fn a_line_that_cant_be_written_leaves_no_trace() {
    let (_folder, path) = place();
    let journal = Journal::open(&path, 0).unwrap();
    write(&journal, 1);
    // A file that is open for reading only refuses as a full disk does.
    let good = std::mem::replace(&mut journal.lock().file, File::open(&paths(&path)[0]).unwrap());
    assert!(journal.turn().write(Lines::default().and(&outcome(2)).unwrap()).is_err());
    journal.lock().file = good;
    assert_eq!(write(&journal, 2), 2, "its number is free");
    assert_eq!(Journal::left(&path, 0).unwrap(), entries(1..=2));
}
