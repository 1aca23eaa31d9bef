//! An outcome table as grids: queries by models.

use crate::{embed::Embedder, tables::Outcomes};
use anyhow::{Result, ensure};
use rayon::prelude::*;
use satisfice::{
    classifier::{Classifier, heads::Inputs},
    domain::Prompt,
    encoder::{DIMENSIONS, Embedding, visible_text},
};
use std::sync::Arc;

/// Share of the training queries that a model must have score and cost on to count as priced.
const PRICED: f64 = 0.99;

/// Numbers of queries by models, row-major; NaN where unknown.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Grid {
    columns: usize,
    values: Vec<f64>,
}

impl Grid {
    /// Filled with a value.
    #[must_use]
    pub fn filled(rows: usize, columns: usize, value: f64) -> Self {
        Self { columns, values: vec![value; rows * columns] }
    }

    /// From rows of equal length.
    #[must_use]
    pub fn from_rows(rows: &[Vec<f64>]) -> Self {
        Self { columns: rows.first().map_or(0, Vec::len), values: rows.concat() }
    }

    /// Models.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Queries.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.values.len().checked_div(self.columns).unwrap_or(0)
    }

    /// One query's values.
    #[must_use]
    pub fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.columns..][..self.columns]
    }

    /// One query's values, to change.
    pub fn row_mut(&mut self, row: usize) -> &mut [f64] {
        &mut self.values[row * self.columns..][..self.columns]
    }

    /// Each value, with its model, through a function.
    #[must_use]
    pub fn map(&self, f: impl Fn(usize, f64) -> f64) -> Self {
        let each = self.values.iter().enumerate();
        Self { columns: self.columns, values: each.map(|(i, v)| f(i % self.columns, *v)).collect() }
    }

    /// Sum with a grid of the same shape, times a factor.
    #[must_use]
    pub fn plus(&self, other: &Self, factor: f64) -> Self {
        let pairs = self.values.iter().zip(&other.values);
        Self { columns: self.columns, values: pairs.map(|(a, b)| a + factor * b).collect() }
    }

    /// The same with what is unknown replaced: by the model's mean, for a model without any value by the mean of the others.
    #[must_use]
    pub fn completed(&self) -> Self {
        let means = self.column_means();
        let known: Vec<f64> = means.iter().copied().filter(|m| !m.is_nan()).collect();
        let overall = known.iter().sum::<f64>() / known.len() as f64;
        self.map(|m, v| {
            if !v.is_nan() {
                v
            } else if means[m].is_nan() {
                overall
            } else {
                means[m]
            }
        })
    }

    /// Mean of a column over the rows where it is known; NaN when it is nowhere.
    #[must_use]
    pub fn column_mean(&self, column: usize) -> f64 {
        let known = (0..self.rows()).map(|r| self.row(r)[column]).filter(|v| !v.is_nan());
        let (sum, n) = known.fold((0.0, 0usize), |(sum, n), v| (sum + v, n + 1));
        if n == 0 { f64::NAN } else { sum / n as f64 }
    }

    /// Means of all columns.
    #[must_use]
    pub fn column_means(&self) -> Vec<f64> {
        (0..self.columns).map(|c| self.column_mean(c)).collect()
    }

    fn select(&self, rows: &[usize], columns: &[usize]) -> Self {
        let values = rows.iter().flat_map(|&r| columns.iter().map(move |&c| self.row(r)[c])).collect();
        Self { columns: columns.len(), values }
    }
}

/// One query as routers see it.
#[derive(Debug, Clone)]
pub struct Query {
    /// Id in its table.
    pub id: String,
    /// Index into [`RoutingTable::datasets`].
    pub dataset: usize,
    /// Index into [`RoutingTable::tasks`].
    pub task: usize,
    /// Text; for comparing texts, never for predicting.
    pub text: Arc<str>,
    /// What heads see.
    pub inputs: Arc<Inputs>,
    /// Sentence embedding, unit norm.
    pub embedding: Arc<Embedding>,
    /// What the posterior sees, `(30,)`.
    pub context: Arc<[f32]>,
}

impl Query {
    /// Trunk of the encoder, `(384,)`, unit norm.
    #[must_use]
    pub fn trunk(&self) -> Vec<f32> {
        unit(&self.inputs.dense[DIMENSIONS..2 * DIMENSIONS])
    }
}

/// A vector scaled to unit norm; zero stays zero.
#[must_use]
pub fn unit(v: &[f32]) -> Vec<f32> {
    let norm = v.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-12);
    v.iter().map(|x| x / norm).collect()
}

/// Scores, costs and tokens of models on queries.
#[derive(Debug, Clone, Default)]
pub struct RoutingTable {
    /// Data sets that the queries come from.
    pub datasets: Vec<String>,
    /// Tasks, as `dataset/task`.
    pub tasks: Vec<String>,
    /// Models.
    pub models: Vec<String>,
    /// Queries.
    pub queries: Vec<Query>,
    /// 0 to 1.
    pub score: Grid,
    /// USD.
    pub cost: Grid,
    /// Input tokens.
    pub input_tokens: Grid,
    /// Output tokens.
    pub output_tokens: Grid,
}

impl RoutingTable {
    /// Joins outcome tables and encodes their queries. Models of the same name are the same model.
    ///
    /// # Errors
    /// A query can't be encoded, or a table is empty.
    pub fn join(tables: &[Outcomes], embedder: &mut Embedder) -> Result<Self> {
        let classifier = Classifier::builtin(embedder.encoder_id())?;
        let mut joined = Self::default();
        for table in tables {
            ensure!(!table.rows.is_empty(), "outcome table {} is empty", table.dataset);
            joined.models.extend(table.models.iter().cloned());
        }
        joined.models.sort();
        joined.models.dedup();
        let rows = tables.iter().map(|t| t.queries.len()).sum();
        let unknown = || Grid::filled(rows, joined.models.len(), f64::NAN);
        let grids = [unknown(), unknown(), unknown(), unknown()];
        [joined.score, joined.cost, joined.input_tokens, joined.output_tokens] = grids;
        for table in tables {
            joined.append(table, embedder, &classifier)?;
        }
        Ok(joined)
    }

    fn append(&mut self, table: &Outcomes, embedder: &mut Embedder, classifier: &Classifier) -> Result<()> {
        let first = self.queries.len();
        let dataset = index_of(&mut self.datasets, &table.dataset);
        let model: Vec<usize> = table.models.iter().map(|m| self.models.binary_search(m).unwrap_or_default()).collect();
        let prompts: Vec<Prompt> = table.queries.par_iter().map(|q| Prompt::user(q.clone())).collect();
        let inputs = embedder.inputs(&prompts.iter().collect::<Vec<_>>(), &table.dataset)?;
        for (i, (inputs, encoding)) in inputs.into_iter().enumerate() {
            let context = classifier.classify(&prompts[i], &visible_text(&prompts[i]), &encoding).context;
            let task = index_of(&mut self.tasks, &format!("{}/{}", table.dataset, table.tasks[i]));
            self.queries.push(Query {
                id: table.query_ids[i].clone(),
                dataset,
                task,
                text: table.queries[i].as_str().into(),
                inputs: Arc::new(inputs),
                embedding: Arc::new(encoding.embedding),
                context: context.into(),
            });
        }
        for row in &table.rows {
            let (r, c) = (first + row.query, model[row.model]);
            self.score.row_mut(r)[c] = row.score;
            self.cost.row_mut(r)[c] = row.cost_usd.unwrap_or(f64::NAN);
            self.input_tokens.row_mut(r)[c] = row.input_tokens.unwrap_or(f64::NAN);
            self.output_tokens.row_mut(r)[c] = row.output_tokens.unwrap_or(f64::NAN);
        }
        Ok(())
    }

    /// Number of queries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.queries.len()
    }

    /// Whether there are no queries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queries.is_empty()
    }

    /// Some queries, all models.
    #[must_use]
    pub fn rows(&self, rows: &[usize]) -> Self {
        self.select(rows, &(0..self.models.len()).collect::<Vec<_>>())
    }

    /// Some models, in the given order; those that the table lacks are unknown throughout.
    #[must_use]
    pub fn with_models(&self, models: &[String]) -> Self {
        let mut wide = self.clone();
        let missing: Vec<&String> = models.iter().filter(|m| !self.models.contains(m)).collect();
        if !missing.is_empty() {
            let widen = |grid: &Grid| {
                let rows = (0..grid.rows()).map(|r| [grid.row(r), &vec![f64::NAN; missing.len()]].concat());
                Grid::from_rows(&rows.collect::<Vec<_>>())
            };
            wide.models.extend(missing.iter().copied().cloned());
            for grid in [&mut wide.score, &mut wide.cost, &mut wide.input_tokens, &mut wide.output_tokens] {
                *grid = widen(grid);
            }
        }
        let columns: Vec<usize> = models.iter().filter_map(|m| wide.models.iter().position(|x| x == m)).collect();
        wide.select(&(0..self.len()).collect::<Vec<_>>(), &columns)
    }

    fn select(&self, rows: &[usize], columns: &[usize]) -> Self {
        Self {
            datasets: self.datasets.clone(),
            tasks: self.tasks.clone(),
            models: columns.iter().map(|&c| self.models[c].clone()).collect(),
            queries: rows.iter().map(|&r| self.queries[r].clone()).collect(),
            score: self.score.select(rows, columns),
            cost: self.cost.select(rows, columns),
            input_tokens: self.input_tokens.select(rows, columns),
            output_tokens: self.output_tokens.select(rows, columns),
        }
    }

    /// Models with score and cost on at least 99 % of the queries.
    #[must_use]
    pub fn priced_models(&self) -> Vec<String> {
        let known = |m: usize| {
            let is = |r: &usize| !self.score.row(*r)[m].is_nan() && !self.cost.row(*r)[m].is_nan();
            (0..self.len()).filter(is).count() as f64
        };
        let enough = PRICED * self.len() as f64;
        (0..self.models.len()).filter(|&m| known(m) >= enough).map(|m| self.models[m].clone()).collect()
    }

    /// The queries on which every model has a score and, if `priced`, a cost.
    #[must_use]
    pub fn complete(&self, priced: bool) -> Self {
        let known = |grid: &Grid, r: usize| grid.row(r).iter().all(|v| !v.is_nan());
        let rows: Vec<usize> =
            (0..self.len()).filter(|&r| known(&self.score, r) && (!priced || known(&self.cost, r))).collect();
        self.rows(&rows)
    }

    /// Whether every cost is known.
    #[must_use]
    pub fn is_priced(&self) -> bool {
        (0..self.len()).all(|r| self.cost.row(r).iter().all(|c| !c.is_nan()))
    }

    /// Embeddings as a matrix `(queries, 384)`.
    #[must_use]
    pub fn embeddings(&self) -> Vec<&[f32; DIMENSIONS]> {
        self.queries.iter().map(|q| q.embedding.values()).collect()
    }
}

/// Where a name stands in a list; appended if it is new.
fn index_of(names: &mut Vec<String>, name: &str) -> usize {
    names.iter().position(|n| n == name).unwrap_or_else(|| {
        names.push(name.to_owned());
        names.len() - 1
    })
}

/// Small tables for tests.
#[cfg(test)]
pub(crate) mod fixtures {
    use super::*;
    use satisfice::classifier::heads::DENSE;

    /// Queries with the given scores and costs, all of one task; query `i` has an embedding of its own direction.
    pub(crate) fn table(scores: &[Vec<f64>], costs: &[Vec<f64>]) -> RoutingTable {
        let models = scores[0].len();
        RoutingTable {
            datasets: vec!["set".into()],
            tasks: vec!["set/task".into()],
            models: (0..models).map(|m| format!("m{m}")).collect(),
            queries: (0..scores.len()).map(|i| query(i, i)).collect(),
            score: Grid::from_rows(scores),
            cost: Grid::from_rows(costs),
            input_tokens: Grid::filled(scores.len(), models, 100.0),
            output_tokens: Grid::filled(scores.len(), models, 50.0),
        }
    }

    /// A query that looks in one of 384 directions.
    pub(crate) fn query(id: usize, direction: usize) -> Query {
        let mut values = Box::new([0.0f32; DIMENSIONS]);
        values[direction % DIMENSIONS] = 1.0;
        let mut dense = vec![0.0; DENSE];
        dense[direction % DIMENSIONS] = 4.0;
        Query {
            id: format!("q{id}"),
            dataset: 0,
            task: 0,
            text: format!("query {id}").into(),
            inputs: Arc::new(Inputs { dense, buckets: Vec::new(), value: 1.0 }),
            embedding: Arc::new(Embedding::from_unit(values)),
            context: vec![0.0; satisfice::classifier::CONTEXT].into(),
        }
    }

    /// Two tasks, told apart by direction: the cheap model is right on the first, the middle one on the second, and the dear
    /// one on both.
    pub(crate) fn two_tasks(queries: usize) -> RoutingTable {
        let right = |i: usize| vec![f64::from(u8::from(i.is_multiple_of(2))), f64::from(u8::from(i % 2 == 1)), 1.0];
        let scores: Vec<Vec<f64>> = (0..queries).map(right).collect();
        let mut table = table(&scores, &vec![vec![1.0, 2.0, 20.0]; queries]);
        table.tasks = vec!["set/a".into(), "set/b".into()];
        table.queries = (0..queries).map(|i| Query { task: i % 2, ..query(i, i % 2) }).collect();
        table
    }

    #[test]
    fn models_that_a_table_lacks_are_unknown_and_the_rest_keeps_its_order() {
        let wide = two_tasks(4).with_models(&["m2".into(), "new".into(), "m0".into()]);
        assert_eq!(wide.models, ["m2", "new", "m0"]);
        assert_eq!((wide.cost.row(1)[0], wide.cost.row(1)[2]), (20.0, 1.0));
        assert!(wide.score.row(1)[1].is_nan());
        assert!(wide.complete(false).is_empty());
    }

    #[test]
    fn priced_models_have_nearly_every_score_and_cost() {
        let mut table = two_tasks(200);
        table.cost.row_mut(0)[0] = f64::NAN;
        (0..3).for_each(|r| table.cost.row_mut(r)[1] = f64::NAN);
        assert_eq!(table.priced_models(), ["m0", "m2"]);
        assert_eq!(table.with_models(&table.priced_models()).complete(true).len(), 199);
    }

    #[test]
    fn what_is_unknown_is_completed_by_the_models_mean_and_a_new_model_by_the_others() {
        let grid = Grid::from_rows(&[vec![1.0, f64::NAN, f64::NAN], vec![f64::NAN, 0.5, f64::NAN]]);
        let whole = Grid::from_rows(&[vec![1.0, 0.5, 0.75], vec![1.0, 0.5, 0.75]]);
        assert_eq!(grid.completed(), whole);
    }
}
