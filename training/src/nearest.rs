//! Exact nearest neighbours by cosine.

use rayon::prelude::*;
use satisfice::classifier::heads::dot;

/// A neighbour.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// Index among those searched.
    pub index: usize,
    /// Cosine similarity.
    pub cosine: f32,
}

/// The `k` nearest of `among` for each of `of`, unit vectors of one length, nearest first; ties go to the lower index.
#[must_use]
pub fn nearest(of: &[&[f32]], among: &[&[f32]], k: usize) -> Vec<Vec<Hit>> {
    of.par_iter().map(|query| top(query, among, k)).collect()
}

fn top(query: &[f32], among: &[&[f32]], k: usize) -> Vec<Hit> {
    let mut hits: Vec<Hit> =
        among.iter().enumerate().map(|(index, other)| Hit { index, cosine: dot(query, other) }).collect();
    let order = |a: &Hit, b: &Hit| b.cosine.total_cmp(&a.cosine).then(a.index.cmp(&b.index));
    if hits.len() > k && k > 0 {
        hits.select_nth_unstable_by(k - 1, order);
    }
    hits.truncate(k);
    hits.sort_by(order);
    hits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_come_first_and_ties_by_index() {
        let unit = |a: f32, b: f32| {
            let mut v = [0.0; 16];
            (v[0], v[1]) = (a, b);
            v
        };
        let all = [unit(0.0, 1.0), unit(1.0, 0.0), unit(0.6, 0.8), unit(1.0, 0.0)];
        let refs: Vec<&[f32]> = all.iter().map(|v| v.as_slice()).collect();
        let hits = nearest(&[&unit(1.0, 0.0)], &refs, 3);
        assert_eq!(hits[0].iter().map(|h| h.index).collect::<Vec<_>>(), [1, 3, 2]);
        assert!((hits[0][2].cosine - 0.6).abs() < 1e-6);
    }

    #[test]
    fn asking_for_more_than_there_are_gives_all() {
        let v = [0.1; 16];
        assert_eq!(nearest(&[&v], &[&v], 5)[0].len(), 1);
    }
}
