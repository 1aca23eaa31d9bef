//! Which queries train and which test: within task, by family, near duplicates on one side.

use super::RoutingTable;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
use rayon::prelude::*;
use satisfice::classifier::heads::dot;
use std::collections::BTreeMap;

/// Queries of one data set closer than this count as the same question in other words.
const SAME: f32 = 0.97;

/// Rows to train on and rows to test on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Split {
    /// Rows to train on.
    pub train: Vec<usize>,
    /// Rows to test on.
    pub test: Vec<usize>,
}

/// Splits each task at random, about `train_share` of its queries to train; groups of near duplicates stay together.
#[must_use]
pub fn within_task(table: &RoutingTable, groups: &[usize], train_share: f64, seed: u64) -> Split {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut tasks: BTreeMap<usize, BTreeMap<usize, Vec<usize>>> = BTreeMap::new();
    for (row, query) in table.queries.iter().enumerate() {
        // A group belongs to the task of its first member.
        let task = table.queries[groups[row]].task.min(query.task);
        tasks.entry(task).or_default().entry(groups[row]).or_default().push(row);
    }
    let mut side: BTreeMap<usize, bool> = BTreeMap::new();
    for members in tasks.values() {
        let total: usize = members.values().map(Vec::len).sum();
        let mut order: Vec<usize> = members.keys().copied().filter(|g| !side.contains_key(g)).collect();
        shuffle(&mut order, &mut rng);
        let mut taken = 0;
        for group in order {
            let trains = (taken as f64) < train_share * total as f64;
            taken += members[&group].len();
            side.insert(group, trains);
        }
    }
    let (train, test) = (0..table.len()).partition(|&row| side[&groups[row]]);
    Split { train, test }
}

/// Fisher and Yates.
pub fn shuffle<T>(items: &mut [T], rng: &mut ChaCha8Rng) {
    for i in (1..items.len()).rev() {
        items.swap(i, (rng.next_u64() % (i as u64 + 1)) as usize);
    }
}

/// For each row the first row of its group of near duplicates: chains of queries of one data set with cosine ≥ 0.97.
#[must_use]
pub fn near_duplicates(table: &RoutingTable) -> Vec<usize> {
    let embeddings = table.embeddings();
    let pairs: Vec<(usize, usize)> = (0..table.len())
        .into_par_iter()
        .flat_map_iter(|i| {
            let (embeddings, queries) = (&embeddings, &table.queries);
            let same = move |j: &usize| {
                queries[*j].dataset == queries[i].dataset && dot(embeddings[i], embeddings[*j]) >= SAME
            };
            (i + 1..embeddings.len()).filter(same).map(move |j| (i, j))
        })
        .collect();
    let mut parent: Vec<usize> = (0..table.len()).collect();
    for (a, b) in pairs {
        let (a, b) = (root(&parent, a), root(&parent, b));
        parent[a.max(b)] = a.min(b);
    }
    (0..table.len()).map(|i| root(&parent, i)).collect()
}

fn root(parent: &[usize], mut i: usize) -> usize {
    while parent[i] != i {
        i = parent[i];
    }
    i
}

/// Names in a task that put it in a family with others: training on one teaches the other.
const FAMILIES: &[(&str, &[&str])] = &[
    ("exam", &["mmlu", "arc", "openbook", "gpqa"]),
    ("school_math", &["gsm", "math", "mgsm"]),
    ("code", &["mbpp", "human_eval", "humaneval", "crux", "livecode"]),
    ("common_sense", &["commonsense", "hellaswag", "winogrande", "piqa"]),
    ("logic", &["bbh", "logicgrid"]),
    ("facts", &["trivia", "natural_qa", "truthful"]),
    ("chat", &["mt_bench", "alpaca", "vicuna", "koala", "oasst", "selfinstruct", "helpful_base"]),
];

/// The family of a task (`dataset/task`); a task of its own where none is known.
#[must_use]
pub fn family(task: &str) -> String {
    let name = task.to_lowercase().replace('-', "_");
    let known = FAMILIES.iter().find(|(_, parts)| parts.iter().any(|p| name.contains(p)));
    known.map_or(name.clone(), |(family, _)| (*family).to_owned())
}

/// Leaves out one family at a time; where all tasks are of one family, one task at a time.
#[must_use]
pub fn leave_one_family_out(table: &RoutingTable) -> Vec<(String, Split)> {
    let families: Vec<String> = table.tasks.iter().map(|t| family(t)).collect();
    let one = families.windows(2).all(|w| w[0] == w[1]);
    let names = if one { table.tasks.clone() } else { families };
    let mut splits: BTreeMap<&str, Split> = BTreeMap::new();
    for name in &names {
        let held = |row: &usize| names[table.queries[*row].task] == *name;
        let (test, train) = (0..table.len()).partition(held);
        splits.insert(name, Split { train, test });
    }
    splits.into_iter().filter(|(_, s)| !s.train.is_empty() && !s.test.is_empty()).map(|(n, s)| (n.into(), s)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::table::fixtures;

    fn world(rows: usize) -> RoutingTable {
        let mut table = fixtures::table(&vec![vec![1.0, 0.0]; rows], &vec![vec![1.0, 2.0]; rows]);
        table.tasks = vec!["set/a".into(), "set/b".into()];
        table.queries.iter_mut().enumerate().for_each(|(i, q)| q.task = i % 2);
        table
    }

    #[test]
    fn each_task_is_split_in_the_same_share_and_seeds_differ() {
        let table = world(300);
        let groups: Vec<usize> = (0..300).collect();
        let split = within_task(&table, &groups, 0.7, 42);
        for task in 0..2 {
            assert_eq!(split.train.iter().filter(|&&r| table.queries[r].task == task).count(), 105);
        }
        assert_eq!(split.train.len() + split.test.len(), 300);
        assert_eq!(split, within_task(&table, &groups, 0.7, 42));
        assert_ne!(split, within_task(&table, &groups, 0.7, 43));
    }

    #[test]
    fn near_duplicates_stay_on_one_side() {
        let mut table = world(40);
        // Rows 0..20 repeat in rows 20..40.
        for i in 20..40 {
            table.queries[i].embedding = table.queries[i - 20].embedding.clone();
        }
        let groups = near_duplicates(&table);
        assert_eq!(groups[25], 5);
        let split = within_task(&table, &groups, 0.5, 1);
        for row in &split.test {
            let twin = if *row < 20 { row + 20 } else { row - 20 };
            assert!(split.test.contains(&twin), "{row}");
        }
    }

    #[test]
    fn families_are_left_out_whole() {
        let mut table = world(4);
        table.tasks = vec!["x/gsm8k".into(), "y/math-l5".into(), "z/mbpp".into()];
        for (query, task) in table.queries.iter_mut().zip([0, 1, 2, 2]) {
            query.task = task;
        }
        let splits = leave_one_family_out(&table);
        assert_eq!(splits.len(), 2);
        assert_eq!(splits[1], ("school_math".into(), Split { train: vec![2, 3], test: vec![0, 1] }));
    }

    #[test]
    fn one_family_alone_is_left_out_task_by_task() {
        let mut table = world(4);
        table.tasks = vec!["mmlu/law".into(), "mmlu/physics".into()];
        assert_eq!(leave_one_family_out(&table)[0], ("mmlu/law".into(), Split { train: vec![1, 3], test: vec![0, 2] }));
    }
}
