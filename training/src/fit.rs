//! `satisfice-train fit`: heads of the classifier from outcome tables, the task corpus and our own prompts.

use crate::{
    card::{self, Card},
    embed::{Embedder, bar},
    irt,
    lbfgs::Stop,
    linear::{Linear, Loss, Options, Row},
    metrics::{Report, auc, report, spearman},
    noise::Noise,
    pca,
    tables::{self, Outcomes, TaskRow},
};
use anyhow::{Context, Result, ensure};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
use satisfice::{
    classifier::{
        Artefact,
        artefact::{ArtefactManifest, FILE, MANIFEST},
        features::{BUCKETS, FEATURES_VERSION},
        heads::{DENSE, Inputs, LinearHead},
    },
    domain::{Prompt, TaskType, logit, sigmoid},
    encoder::{Encoding, fetch::sha256_file, fetch::sha256_hex},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

/// What difficulty each of our own levels stands for: σ(b), the chance that a model of ability 0 fails.
const LEVELS: [f64; 5] = [0.04, 0.18, 0.42, 0.70, 0.92];

/// Corpus labels served as another label. Kept where answers need the same ability and people can't tell the corpus labels
/// apart reliably.
const MERGED: &[(TaskType, TaskType)] = &[
    (TaskType::Other, TaskType::KnowledgeQa),
    (TaskType::BusinessWriting, TaskType::Writing),
    (TaskType::CreativeWriting, TaskType::Writing),
    (TaskType::ConstrainedGeneration, TaskType::Writing),
    (TaskType::QuestionGeneration, TaskType::Writing),
    (TaskType::Classification, TaskType::TextAnalysis),
    (TaskType::Extraction, TaskType::TextAnalysis),
];

/// Prompts that disturbances are measured on.
const NOISE_PROMPTS: usize = 800;

/// Arguments of `fit`.
#[derive(Debug, Clone, clap::Args)]
pub struct FitArgs {
    /// Outcome tables (parquet): `query_id, query, task, model, score`, optionally `completion_tokens`.
    #[arg(long)]
    pub outcomes: Vec<PathBuf>,
    /// Task corpus (parquet): `text, label, source`.
    #[arg(long)]
    pub tasks: Option<PathBuf>,
    /// Our own labelled prompts.
    #[arg(long, default_value = "datasets/prompts/prompts.jsonl")]
    pub prompts: PathBuf,
    /// Second labels of a tenth of them, for the agreement.
    #[arg(long, default_value = "datasets/prompts/second_labels.jsonl")]
    pub second_labels: PathBuf,
    /// Folder for the artefact and its model card.
    #[arg(long)]
    pub out: PathBuf,
    /// Seed of the samples.
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
    /// Rows taken of each source and label of the corpus.
    #[arg(long, default_value_t = 120)]
    pub corpus_rows: usize,
    /// Weight that each source of the corpus has in all, in own prompts.
    #[arg(long, default_value_t = 15.0)]
    pub source_weight: f64,
    /// Queries taken of each outcome table.
    #[arg(long, default_value_t = 800)]
    pub outcome_queries: usize,
    /// Weight that each outcome table has in all in the difficulty head, in own prompts.
    #[arg(long, default_value_t = 150.0)]
    pub table_weight: f64,
    /// Folder of the embedding cache.
    #[arg(long)]
    pub cache: Option<PathBuf>,
    /// How firmly the heads are kept from following rounding and wording; 0 lets them.
    #[arg(long, default_value_t = 1.0)]
    pub noise_weight: f64,
    /// Skip the held-out metrics: no card, and the softmax keeps temperature 1, which is found on held-out prompts.
    #[arg(long)]
    pub no_metrics: bool,
}

/// What the heads are fitted with, beside their rows.
struct Settings<'a> {
    args: &'a FitArgs,
    noise: Option<Noise>,
}

impl Settings<'_> {
    /// The penalty on following disturbances, for rows of this weight in all: the curvature of a logistic loss is at most ¼.
    fn noise(&self, rows: &[Row]) -> Option<(&Noise, f64)> {
        let total: f64 = rows.iter().map(|r| r.weight).sum();
        self.noise.as_ref().map(|noise| (noise, 0.25 * self.args.noise_weight * total))
    }
}

/// A labelled prompt with its inputs.
struct Labelled {
    row: TaskRow,
    inputs: Inputs,
    encoding: Encoding,
    own: bool,
}

/// A query of an outcome table.
struct Query {
    table: usize,
    inputs: Inputs,
    encoding: Encoding,
    /// b of the item-response model.
    difficulty: f64,
    /// Median over models of ln(output tokens).
    log_tokens: Option<f64>,
}

/// Fits, measures and writes the artefact.
///
/// # Errors
/// A table can't be read or the encoder can't be fetched.
pub fn run(args: &FitArgs) -> Result<()> {
    let mut embedder = Embedder::open(args.cache.as_deref())?;
    let labelled = labelled(args, &mut embedder)?;
    let mut tables = args.outcomes.iter().map(|p| tables::outcomes(p)).collect::<Result<Vec<_>>>()?;
    tables.sort_by(|a, b| a.dataset.cmp(&b.dataset));
    let queries = queries(args, &tables, &mut embedder)?;
    let served = served_labels(&labelled);
    let with = Settings { args, noise: noise(args, &labelled, &mut embedder)? };
    let card = if args.no_metrics { None } else { Some(measure(&with, &labelled, &queries, &tables, &served)?) };
    let task = fit_tasks(&labelled.iter().collect::<Vec<_>>(), &served, &with, "task type");
    let difficulty = fit_difficulty(&labelled.iter().collect::<Vec<_>>(), &queries.iter().collect::<Vec<_>>(), &with);
    let tokens = fit_tokens(&queries);
    let embeddings: Vec<_> = labelled
        .iter()
        .map(|l| l.encoding.embedding.values())
        .chain(queries.iter().map(|q| q.encoding.embedding.values()))
        .collect();
    let projection = pca::fit(&embeddings);
    let artefact = Artefact {
        encoder: embedder.encoder_id().to_owned(),
        labels: served,
        label_map: TaskType::ALL.iter().filter(|t| !is_merged_name(**t)).map(|&t| (t, merged(t))).collect(),
        temperature: card.as_ref().map_or(1.0, |c| c.temperature) as f32,
        task: head(&task),
        difficulty: head(&difficulty),
        output_tokens: tokens,
        context_mean: projection.mean,
        context_directions: projection.directions,
        provenance: provenance(args, &tables)?,
    };
    write(&args.out, &artefact, card)
}

/// Disturbances of an even sample of our own prompts.
fn noise(args: &FitArgs, labelled: &[Labelled], embedder: &mut Embedder) -> Result<Option<Noise>> {
    if args.noise_weight <= 0.0 {
        return Ok(None);
    }
    let own: Vec<&Prompt> = labelled.iter().filter(|l| l.own).map(|l| &l.row.prompt).collect();
    let step = (own.len() / NOISE_PROMPTS).max(1);
    Ok(Some(Noise::measure(embedder, &own.into_iter().step_by(step).collect::<Vec<_>>())?))
}

fn is_merged_name(task: TaskType) -> bool {
    matches!(task, TaskType::Writing | TaskType::TextAnalysis)
}

fn merged(task: TaskType) -> TaskType {
    MERGED.iter().find(|(from, _)| *from == task).map_or(task, |&(_, to)| to)
}

fn served_labels(labelled: &[Labelled]) -> Vec<TaskType> {
    labelled.iter().map(|l| merged(l.row.label)).collect::<BTreeSet<_>>().into_iter().collect()
}

fn labelled(args: &FitArgs, embedder: &mut Embedder) -> Result<Vec<Labelled>> {
    let mut rows: Vec<(TaskRow, bool)> =
        tables::own_prompts(&args.prompts)?.into_iter().map(|row| (row, true)).collect();
    if let Some(path) = &args.tasks {
        let corpus = sampled(tables::task_corpus(path)?, args.corpus_rows, args.seed);
        rows.extend(corpus.into_iter().map(|row| (row, false)));
    }
    let prompts: Vec<&Prompt> = rows.iter().map(|(row, _)| &row.prompt).collect();
    let inputs = embedder.inputs(&prompts, "labelled prompts")?;
    let pairs = rows.into_iter().zip(inputs);
    Ok(pairs.map(|((row, own), (inputs, encoding))| Labelled { row, inputs, encoding, own }).collect())
}

/// Rows whose label says only that their source has no category for them: in self-instruct `other` stands for writing,
/// rewriting and analysis alike, elsewhere for open-ended help.
fn is_unlabelled(row: &TaskRow) -> bool {
    row.label == TaskType::Other && row.source.starts_with("self-instruct")
}

/// At most `most` rows of each source and label, drawn with the seed.
fn sampled(rows: Vec<TaskRow>, most: usize, seed: u64) -> Vec<TaskRow> {
    let mut groups: BTreeMap<(String, TaskType), Vec<TaskRow>> = BTreeMap::new();
    for row in rows.into_iter().filter(|row| !is_unlabelled(row)) {
        groups.entry((row.source.clone(), row.label)).or_default().push(row);
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    groups.into_values().flat_map(|group| draw(group, most, &mut rng)).collect()
}

fn draw<T>(mut items: Vec<T>, most: usize, rng: &mut ChaCha8Rng) -> Vec<T> {
    for i in 0..items.len().min(most) {
        let j = i + (rng.next_u64() % (items.len() - i) as u64) as usize;
        items.swap(i, j);
    }
    items.truncate(most);
    items
}

fn queries(args: &FitArgs, tables: &[Outcomes], embedder: &mut Embedder) -> Result<Vec<Query>> {
    let mut queries = Vec::new();
    for (table, outcomes) in tables.iter().enumerate() {
        ensure!(!outcomes.rows.is_empty(), "outcome table {} is empty", outcomes.dataset);
        let irt = irt::fit(outcomes);
        let tokens = median_log_tokens(outcomes);
        let ours = (0..outcomes.queries.len()).filter(|&q| !is_test_only(&outcomes.tasks[q])).collect();
        let chosen = draw(ours, args.outcome_queries, &mut rng_of(&outcomes.dataset, args.seed));
        let prompts: Vec<Prompt> = chosen.iter().map(|&q| Prompt::user(outcomes.queries[q].clone())).collect();
        let inputs = embedder.inputs(&prompts.iter().collect::<Vec<_>>(), &outcomes.dataset)?;
        queries.extend(chosen.into_iter().zip(inputs).map(|(q, (inputs, encoding))| Query {
            table,
            inputs,
            encoding,
            difficulty: irt.difficulty[q],
            log_tokens: tokens[q],
        }));
    }
    Ok(queries)
}

/// A generator of its own for each table, so that the order in which tables are named does not matter to what is drawn.
fn rng_of(table: &str, seed: u64) -> ChaCha8Rng {
    let name = table.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    ChaCha8Rng::seed_from_u64(seed ^ name)
}

/// Whether a task's prompts are test sets that nothing may be trained on, also where a training table carries them.
fn is_test_only(task: &str) -> bool {
    let task = task.to_lowercase().replace(['-', ' '], "_");
    ["mt_bench", "arena_hard", "auto_j", "autoj", "routerarena"].iter().any(|name| task.contains(name))
}

fn median_log_tokens(table: &Outcomes) -> Vec<Option<f64>> {
    let mut all = vec![Vec::new(); table.queries.len()];
    for row in &table.rows {
        if let Some(tokens) = row.output_tokens.filter(|t| *t >= 1.0) {
            all[row.query].push(tokens.ln());
        }
    }
    all.into_iter()
        .map(|mut logs| {
            logs.sort_by(f64::total_cmp);
            logs.get(logs.len() / 2).copied()
        })
        .collect()
}

fn row(inputs: &Inputs, target: f64, weight: f64) -> Row {
    let sparse = inputs.buckets.iter().map(|&b| (b, inputs.value)).collect();
    Row { dense: inputs.dense.clone(), sparse, target, weight }
}

const STOP: Stop = Stop { iterations: 120, tolerance: 1e-5 };

fn options(loss: Loss) -> Options<'static> {
    Options { loss, dense: DENSE, sparse: BUCKETS, dense_penalty: 2.0, sparse_penalty: 1.0, noise: None, stop: STOP }
}

/// Rows of the task-type head: own prompts weigh 1, each source of the corpus has one weight in all.
fn task_rows(labelled: &[&Labelled], served: &[TaskType], args: &FitArgs) -> Vec<Row> {
    let mut sizes: BTreeMap<&str, f64> = BTreeMap::new();
    labelled.iter().for_each(|l| *sizes.entry(&l.row.source).or_default() += 1.0);
    labelled
        .iter()
        .map(|l| {
            let class = served.iter().position(|t| *t == merged(l.row.label)).unwrap_or_default();
            let weight = if l.own { 1.0 } else { (args.source_weight / sizes[l.row.source.as_str()]).min(1.0) };
            row(&l.inputs, class as f64, weight)
        })
        .collect()
}

fn fit_tasks(labelled: &[&Labelled], served: &[TaskType], with: &Settings<'_>, what: &str) -> Linear {
    let rows = task_rows(labelled, served, with.args);
    let options = Options { noise: with.noise(&rows), ..options(Loss::Softmax(served.len())) };
    fit(&rows, options, what)
}

fn fit(rows: &[Row], options: Options<'_>, what: &str) -> Linear {
    let bar = bar(options.stop.iterations as u64, &format!("fitting {what}"));
    let model = Linear::fit(&rows.iter().collect::<Vec<_>>(), options, |_| bar.inc(1));
    bar.finish_and_clear();
    model
}

fn fit_difficulty(labelled: &[&Labelled], queries: &[&Query], with: &Settings<'_>) -> Linear {
    let mut rows: Vec<Row> = labelled
        .iter()
        .filter_map(|l| l.row.level.map(|level| row(&l.inputs, LEVELS[usize::from(level) - 1], 1.0)))
        .collect();
    let mut sizes: BTreeMap<usize, f64> = BTreeMap::new();
    queries.iter().for_each(|q| *sizes.entry(q.table).or_default() += 1.0);
    rows.extend(queries.iter().map(|q| {
        let weight = (with.args.table_weight / sizes[&q.table]).min(1.0);
        row(&q.inputs, sigmoid(q.difficulty), weight)
    }));
    let noise = with.noise(&rows);
    fit(&rows, Options { dense_penalty: 0.5, sparse_penalty: 0.5, noise, ..options(Loss::Logistic) }, "difficulty")
}

/// Ridge on ln(tokens); without any counts, the logarithm of 300 tokens for every prompt.
fn fit_tokens(queries: &[Query]) -> LinearHead {
    let known: Vec<(&Query, f64)> = queries.iter().filter_map(|q| Some((q, q.log_tokens?))).collect();
    if known.is_empty() {
        let mut head = LinearHead::zeros(1);
        head.bias[0] = 300f32.ln();
        return head;
    }
    let rows: Vec<Row> = known.iter().map(|(q, tokens)| row(&q.inputs, *tokens, 1.0)).collect();
    head(&fit(&rows, Options { dense_penalty: 20.0, sparse_penalty: 20.0, ..options(Loss::Squared) }, "output tokens"))
}

fn head(model: &Linear) -> LinearHead {
    let single = |values: &[f64]| values.iter().map(|&v| v as f32).collect();
    LinearHead {
        dense: single(model.dense_weights()),
        lexical: single(model.sparse_weights()),
        bias: single(model.bias()),
    }
}

/// Held-out figures: each author and each source of the corpus left out in turn.
fn measure(
    with: &Settings<'_>,
    labelled: &[Labelled],
    queries: &[Query],
    tables: &[Outcomes],
    served: &[TaskType],
) -> Result<Card> {
    let args = with.args;
    let sources: BTreeSet<&str> = labelled.iter().map(|l| l.row.source.as_str()).collect();
    let (mut by_source, mut tfidf_by_source) = (BTreeMap::new(), BTreeMap::new());
    let (mut own_pairs, mut own_tfidf, mut own_logits) = (Vec::new(), Vec::new(), Vec::new());
    let mut levels: Vec<(u8, String, f64)> = Vec::new();
    for source in &sources {
        let (held, kept): (Vec<&Labelled>, Vec<&Labelled>) = labelled.iter().partition(|l| l.row.source == *source);
        let model = fit_tasks(&kept, served, with, &format!("without {source}"));
        let baseline = tfidf(&kept, &held, served, args);
        let held_rows = task_rows(&held, served, args);
        let logits = model.predict_all(&held_rows.iter().collect::<Vec<_>>());
        let pairs: Vec<(TaskType, TaskType)> =
            held.iter().zip(&logits).map(|(l, z)| (merged(l.row.label), served[top(z)])).collect();
        let base: Vec<(TaskType, TaskType)> =
            held.iter().zip(&baseline).map(|(l, &c)| (merged(l.row.label), served[c])).collect();
        if held[0].own {
            own_logits.extend(held_rows.iter().zip(logits).map(|(r, z)| (r.target as usize, z)));
            let difficulty = fit_difficulty(&kept, &queries.iter().collect::<Vec<_>>(), with);
            let outputs = difficulty.predict_all(&held_rows.iter().collect::<Vec<_>>());
            let scored = held.iter().zip(outputs);
            levels.extend(scored.filter_map(|(l, z)| Some((l.row.level?, l.row.language.clone(), z[0]))));
            own_pairs.extend(pairs.iter().copied());
            own_tfidf.extend(base.iter().copied());
        }
        by_source.insert((*source).to_owned(), labels_report(&pairs));
        tfidf_by_source.insert((*source).to_owned(), labels_report(&base));
    }
    Ok(Card {
        temperature: temperature(&own_logits),
        own: labels_report(&own_pairs),
        own_tfidf: labels_report(&own_tfidf),
        by_source,
        tfidf_by_source,
        difficulty: difficulty_figures(&levels),
        outcome_spearman: outcome_spearman(with, labelled, queries, tables),
        agreement: card::agreement(&args.prompts, &args.second_labels)?,
        served: served.to_vec(),
    })
}

fn labels_report(pairs: &[(TaskType, TaskType)]) -> Report {
    report(pairs.iter().map(|(a, b)| (a.as_str(), b.as_str())))
}

fn top(values: &[f64]) -> usize {
    (0..values.len()).fold(0, |best, i| if values[i] > values[best] { i } else { best })
}

/// The temperature of the softmax with the least cross-entropy on held-out logits.
fn temperature(logits: &[(usize, Vec<f64>)]) -> f64 {
    let loss = |t: f64| -> f64 {
        let each = logits.iter().map(|(class, z)| {
            let top = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = z.iter().map(|v| ((v - top) / t).exp()).sum();
            sum.ln() - (z[*class] - top) / t
        });
        each.sum()
    };
    let grid = (0..=60).map(|i| 0.4 * 1.04f64.powi(i));
    grid.fold((1.0, f64::INFINITY), |best, t| if loss(t) < best.1 { (t, loss(t)) } else { best }).0
}

/// AUC of level 5 against level 1, over all languages and for each with at least 5 of both.
fn difficulty_figures(levels: &[(u8, String, f64)]) -> BTreeMap<String, f64> {
    let of = |language: Option<&str>, level: u8| -> Vec<f64> {
        let chosen = levels.iter().filter(|(l, g, _)| *l == level && language.is_none_or(|x| x == g));
        chosen.map(|(_, _, z)| *z).collect()
    };
    let mut figures = BTreeMap::from([("all".to_owned(), auc(&of(None, 5), &of(None, 1)))]);
    for language in levels.iter().map(|(_, g, _)| g.as_str()).collect::<BTreeSet<_>>() {
        let (hard, easy) = (of(Some(language), 5), of(Some(language), 1));
        if hard.len() >= 5 && easy.len() >= 5 {
            figures.insert(language.to_owned(), auc(&hard, &easy));
        }
    }
    figures
}

/// Rank correlation of predicted and item-response difficulty on each outcome table when that table is left out.
fn outcome_spearman(
    with: &Settings<'_>,
    labelled: &[Labelled],
    queries: &[Query],
    tables: &[Outcomes],
) -> BTreeMap<String, f64> {
    let all: Vec<&Labelled> = labelled.iter().collect();
    let figures = tables.iter().enumerate().map(|(t, table)| {
        let (held, kept): (Vec<&Query>, Vec<&Query>) = queries.iter().partition(|q| q.table == t);
        let model = fit_difficulty(&all, &kept, with);
        let rows: Vec<Row> = held.iter().map(|q| row(&q.inputs, 0.0, 1.0)).collect();
        let predicted: Vec<f64> =
            model.predict_all(&rows.iter().collect::<Vec<_>>()).into_iter().map(|z| z[0]).collect();
        let true_b: Vec<f64> = held.iter().map(|q| q.difficulty).collect();
        (table.dataset.clone(), spearman(&predicted, &true_b))
    });
    figures.collect()
}

/// The baseline beside every figure: TF-IDF of hashed words and pairs with the same linear softmax, trained on the same rows.
fn tfidf(kept: &[&Labelled], held: &[&Labelled], served: &[TaskType], args: &FitArgs) -> Vec<usize> {
    let mut documents = vec![0.0f64; BUCKETS];
    kept.iter().flat_map(|l| &l.inputs.buckets).for_each(|&b| documents[b as usize] += 1.0);
    let idf: Vec<f64> = documents.iter().map(|d| ((1.0 + kept.len() as f64) / (1.0 + d)).ln() + 1.0).collect();
    let weigh = |mut row: Row| {
        row.dense.clear();
        let norm: f64 = row.sparse.iter().map(|(b, _)| idf[*b as usize] * idf[*b as usize]).sum::<f64>().sqrt();
        row.sparse.iter_mut().for_each(|(b, v)| *v = (idf[*b as usize] / norm.max(1e-9)) as f32);
        row
    };
    let rows: Vec<Row> = task_rows(kept, served, args).into_iter().map(weigh).collect();
    let options = Options { dense: 0, sparse_penalty: 0.1, ..options(Loss::Softmax(served.len())) };
    let model = fit(&rows, options, "TF-IDF baseline");
    let rows: Vec<Row> = task_rows(held, served, args).into_iter().map(weigh).collect();
    model.predict_all(&rows.iter().collect::<Vec<_>>()).iter().map(|z| top(z)).collect()
}

fn provenance(args: &FitArgs, tables: &[Outcomes]) -> Result<BTreeMap<String, String>> {
    let mut facts = BTreeMap::from([
        ("seed".to_owned(), args.seed.to_string()),
        ("prompts.sha256".to_owned(), sha256_file(&args.prompts)?),
        ("corpus_rows".to_owned(), args.corpus_rows.to_string()),
        ("source_weight".to_owned(), args.source_weight.to_string()),
        ("outcome_queries".to_owned(), args.outcome_queries.to_string()),
        ("table_weight".to_owned(), args.table_weight.to_string()),
        ("noise_weight".to_owned(), args.noise_weight.to_string()),
    ]);
    if let Some(tasks) = &args.tasks {
        facts.insert("tasks.sha256".to_owned(), sha256_file(tasks)?);
    }
    for table in tables {
        facts.insert(format!("outcomes.{}.sha256", table.dataset), table.sha256.clone());
    }
    Ok(facts)
}

fn write(out: &Path, artefact: &Artefact, card: Option<Card>) -> Result<()> {
    std::fs::create_dir_all(out).with_context(|| format!("can't create {}", out.display()))?;
    let bytes = artefact.to_bytes()?;
    let manifest =
        ArtefactManifest { sha256: sha256_hex(&bytes), encoder: artefact.encoder.clone(), features: FEATURES_VERSION };
    std::fs::write(out.join(FILE), &bytes)?;
    std::fs::write(out.join(MANIFEST), toml::to_string(&manifest)?)?;
    if let Some(card) = card {
        std::fs::write(out.join("metrics.json"), serde_json::to_string_pretty(&card)? + "\n")?;
        std::fs::write(out.join("README.md"), card.to_markdown(artefact))?;
        println!("{}", card.summary());
    }
    println!("wrote {} ({} KiB, sha256 {})", out.join(FILE).display(), bytes.len() / 1024, manifest.sha256);
    Ok(())
}

/// Difficulty on the item-response scale of one of our own levels; for reports.
#[must_use]
pub fn level_difficulty(level: u8) -> f64 {
    logit(LEVELS[usize::from(level.clamp(1, 5)) - 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_of_test_sets_are_left_out_of_outcome_tables() {
        for task in ["mt_bench/writing", "MT-Bench", "arena-hard", "auto-j", "RouterArena/math"] {
            assert!(is_test_only(task), "{task}");
        }
        for task in ["mmlu/physics", "gsm8k", "alpaca"] {
            assert!(!is_test_only(task), "{task}");
        }
    }

    #[test]
    fn drawing_is_seeded_and_takes_no_row_twice() {
        let drawn = |seed| draw((0..100).collect(), 20, &mut ChaCha8Rng::seed_from_u64(seed));
        let mut first = drawn(1);
        assert_eq!(first, drawn(1));
        assert_ne!(first, drawn(2));
        first.sort_unstable();
        first.dedup();
        assert_eq!(first.len(), 20);
    }
}
