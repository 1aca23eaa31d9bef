//! What is believed of the stream's models before the stream begins.

use crate::{
    quality::{Satisfice, smoother::Smoother},
    routing::{Grid, Predictions, Router, RoutingTable, table::Query},
};
use anyhow::{Context, Result, ensure};
use nalgebra::{Cholesky, DMatrix, DVector};
use safetensors::SafeTensors;
use std::path::Path;

/// Ridge of the smoother of quality, on a kernel of height 1.
const QUALITY_RIDGE: f64 = 10.0;
/// Ridge of the smoother of log cost.
const COST_RIDGE: f64 = 1.0;
/// Weight of a published prior beside a smoother of the burn-in.
const PRIOR_WEIGHT: f64 = 0.25;
/// Output tokens assumed where nothing is known.
const TOKENS: f64 = 300.0;

/// Predictions for the stream, and for earlier requests that λ is tuned on before the first decision.
#[derive(Debug, Clone)]
pub struct Warm {
    /// `(queries, models)` of the stream.
    pub stream: Predictions,
    /// Of the burn-in, each row predicted without itself; of no rows without a burn-in.
    pub before: Predictions,
}

/// The statistics of a linear bandit on whitened principal components: `θ_m = A_m⁻¹ b_m` (the layout that ParetoBandit's prior
/// is stored in: `A.MODEL` (26, 26), `b.MODEL` (26,), `pca.components` (25, 384), `pca.mean`, `pca.explained_variance`).
#[derive(Debug, Clone)]
pub struct LinearPrior {
    mean: Vec<f64>,
    /// `(25, 384)`, each row divided by the standard deviation along it.
    directions: DMatrix<f64>,
    /// `(26,)` for each model asked for.
    theta: Vec<DVector<f64>>,
}

impl LinearPrior {
    /// Reads the statistics of these models.
    ///
    /// # Errors
    /// The file is not a safetensors file, or lacks a tensor; it is named.
    pub fn read(path: &Path, models: &[String]) -> Result<Self> {
        let bytes = std::fs::read(path).with_context(|| format!("can't read {}", path.display()))?;
        let file = SafeTensors::deserialize(&bytes)
            .with_context(|| format!("{} is not a safetensors file", path.display()))?;
        let tensor = |name: &str| tensor(&file, name).with_context(|| format!("{}: {name}", path.display()));
        let (components, variance) = (tensor("pca.components")?, tensor("pca.explained_variance")?);
        let k = variance.len();
        ensure!(k > 0 && components.len().is_multiple_of(k), "{}: pca.components has no {k} rows", path.display());
        let width = components.len() / k;
        let directions = DMatrix::from_fn(k, width, |r, c| components[r * width + c] / variance[r].sqrt());
        let theta = models.iter().map(|m| {
            let (a, b) = (tensor(&format!("A.{m}"))?, tensor(&format!("b.{m}"))?);
            ensure!(b.len() == k + 1 && a.len() == b.len() * b.len(), "{m}: A and b are not of {} features", k + 1);
            let a = DMatrix::from_row_slice(b.len(), b.len(), &a);
            let factor = Cholesky::new(a).with_context(|| format!("A.{m} is not positive definite"))?;
            Ok(factor.solve(&DVector::from_vec(b)))
        });
        Ok(Self { mean: tensor("pca.mean")?, directions, theta: theta.collect::<Result<_>>()? })
    }

    /// `θᵀz` for each query and model.
    #[must_use]
    pub fn predict(&self, table: &RoutingTable) -> Grid {
        let row = |embedding: &[f32]| -> Vec<f64> {
            let centred = DVector::from_iterator(
                embedding.len(),
                embedding.iter().zip(&self.mean).map(|(&e, m)| f64::from(e) - m),
            );
            let z = (&self.directions * centred).push(1.0);
            self.theta.iter().map(|theta| theta.dot(&z)).collect()
        };
        Grid::from_rows(&table.embeddings().iter().map(|e| row(e.as_slice())).collect::<Vec<_>>())
    }
}

fn tensor(file: &SafeTensors<'_>, name: &str) -> Result<Vec<f64>> {
    let view = file.tensor(name)?;
    let data = view.data();
    Ok(match view.dtype() {
        safetensors::Dtype::F64 => data.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect(),
        safetensors::Dtype::F32 => data.as_chunks().0.iter().map(|b| f64::from(f32::from_le_bytes(*b))).collect(),
        other => anyhow::bail!("is of type {other:?}, expected F64 or F32"),
    })
}

/// From outcome tables: our quality model, trained on them.
///
/// # Errors
/// The tables are too small.
pub fn from_outcomes(warm: &RoutingTable, stream: &RoutingTable) -> Result<Warm> {
    let trained = Satisfice::default().train(warm)?;
    Ok(Warm { stream: trained.predict(stream), before: Predictions::default() })
}

/// From a linear prior, and a burn-in where there is one: ¾ of a smoother of the burn-in's outcomes, ¼ of the prior brought to
/// the burn-in's level; cost from a smoother of log cost. Without a burn-in the prior alone, and list prices times a guess of
/// tokens.
///
/// # Errors
/// The burn-in has an unknown outcome.
pub fn from_prior(prior: &LinearPrior, burn_in: Option<&RoutingTable>, stream: &RoutingTable) -> Result<Warm> {
    let quality = prior.predict(stream);
    let Some(seen) = burn_in else {
        let cost = guess(stream)?;
        return Ok(Warm { stream: Predictions { quality: clipped(&quality), cost }, before: Predictions::default() });
    };
    let trunks = |table: &RoutingTable| -> Vec<Vec<f32>> { table.queries.iter().map(Query::trunk).collect() };
    let (seen_rows, stream_rows) = (trunks(seen), trunks(stream));
    let seen_rows: Vec<&[f32]> = seen_rows.iter().map(Vec::as_slice).collect();
    let stream_rows: Vec<&[f32]> = stream_rows.iter().map(Vec::as_slice).collect();
    let smoother = Smoother::fit(&seen_rows, &seen.score, QUALITY_RIDGE)?;
    let (of_seen, means) = (prior.predict(seen), seen.score.column_means());
    let prior_means = of_seen.column_means();
    let mix = |smooth: &Grid, linear: &Grid| {
        let raised = linear.map(|m, l| l - prior_means[m] + means[m]);
        clipped(&smooth.map(|_, s| (1.0 - PRIOR_WEIGHT) * s).plus(&raised, PRIOR_WEIGHT))
    };
    let (cost, cost_before) = costs(&seen_rows, &seen.cost, &stream_rows)?;
    Ok(Warm {
        stream: Predictions { quality: mix(&smoother.predict(&stream_rows), &quality), cost },
        before: Predictions { quality: mix(smoother.left_out(), &of_seen), cost: cost_before },
    })
}

/// Smoothed log cost, brought to the right mean: for the stream, and left-one-out for the burn-in.
fn costs(seen: &[&[f32]], cost: &Grid, stream: &[&[f32]]) -> Result<(Grid, Grid)> {
    let smoother = Smoother::fit(seen, &cost.map(|_, c| c.ln()), COST_RIDGE)?;
    let before = smoother.left_out().map(|_, l| l.exp());
    let smear: Vec<f64> =
        cost.column_means().iter().zip(before.column_means()).map(|(actual, predicted)| actual / predicted).collect();
    let stream = smoother.predict(stream).map(|m, l| l.exp() * smear[m]);
    Ok((stream, before.map(|m, c| c * smear[m])))
}

fn clipped(grid: &Grid) -> Grid {
    grid.map(|_, v| v.clamp(0.0, 1.0))
}

/// Cost of an answer of 300 tokens at each model's price for a token, read off the stream's bills: a price, not an outcome.
fn guess(stream: &RoutingTable) -> Result<Grid> {
    let price = |m: usize| {
        let known = (0..stream.len()).filter(|&r| stream.output_tokens.row(r)[m] > 0.0);
        let (cost, tokens) =
            known.fold((0.0, 0.0), |(c, t), r| (c + stream.cost.row(r)[m], t + stream.output_tokens.row(r)[m]));
        TOKENS * cost / tokens
    };
    let row: Vec<f64> = (0..stream.models.len()).map(price).collect();
    ensure!(
        row.iter().all(|c| c.is_finite()),
        "the stream has no output tokens to read prices off: give a table of outcomes with costs as --burn-in"
    );
    Ok(Grid::from_rows(&vec![row; stream.len()]))
}
