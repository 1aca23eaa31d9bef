//! Quality against cost: operating points, their hull, and the area under it.

use serde::Serialize;

/// Mean cost and mean quality of one way to route all queries.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Point {
    /// USD a query.
    pub cost_usd: f64,
    /// 0 to 1.
    pub quality: f64,
}

/// The operating points of a router.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Curve(pub Vec<Point>);

impl Curve {
    /// The upper concave hull of the points, made non-decreasing, by rising cost: what can be reached by choosing an operating
    /// point, or two of them at random for each query.
    #[must_use]
    pub fn hull(&self) -> Vec<Point> {
        let mut points = self.0.clone();
        points.sort_by(|a, b| a.cost_usd.total_cmp(&b.cost_usd).then(b.quality.total_cmp(&a.quality)));
        let mut hull: Vec<Point> = Vec::new();
        for point in points {
            if hull.last().is_some_and(|last| point.quality <= last.quality) {
                continue;
            }
            while let [.., a, b] = hull[..] {
                if slope(a, b) > slope(b, point) {
                    break;
                }
                hull.pop();
            }
            hull.push(point);
        }
        hull
    }

    /// AIQ: `∫ hull dc / (high − low)`, the mean quality over budgets between two costs. Below the router's least cost it can
    /// answer nothing, which counts 0. NaN for an empty range.
    #[must_use]
    pub fn aiq(&self, low: f64, high: f64) -> f64 {
        let hull = self.hull();
        let (Some(last), true) = (hull.last(), high > low) else {
            return f64::NAN;
        };
        let between: f64 = hull.windows(2).map(|w| area(w[0], w[1], low, high)).sum();
        let beyond = last.quality * (high - last.cost_usd.max(low)).max(0.0);
        (between + beyond) / (high - low)
    }

    /// The highest mean quality.
    #[must_use]
    pub fn best_quality(&self) -> f64 {
        self.0.iter().map(|p| p.quality).fold(f64::NAN, f64::max)
    }

    /// The least cost at which the mean quality is at least `quality`, if any operating point reaches it.
    #[must_use]
    pub fn least_cost(&self, quality: f64) -> Option<f64> {
        self.0.iter().filter(|p| p.quality >= quality).map(|p| p.cost_usd).min_by(f64::total_cmp)
    }
}

fn slope(a: Point, b: Point) -> f64 {
    (b.quality - a.quality) / (b.cost_usd - a.cost_usd)
}

/// Area under the segment from `a` to `b`, within the costs.
fn area(a: Point, b: Point, low: f64, high: f64) -> f64 {
    let (from, to) = (a.cost_usd.max(low), b.cost_usd.min(high));
    if to <= from {
        return 0.0;
    }
    let at = |cost: f64| a.quality + slope(a, b) * (cost - a.cost_usd);
    (to - from) * f64::midpoint(at(from), at(to))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn curve(points: &[(f64, f64)]) -> Curve {
        Curve(points.iter().map(|&(cost_usd, quality)| Point { cost_usd, quality }).collect())
    }

    #[test]
    fn the_hull_leaves_out_what_a_mixture_beats() {
        let hull = curve(&[(1.0, 0.2), (2.0, 0.3), (3.0, 0.8), (4.0, 0.7)]).hull();
        assert_eq!(hull, curve(&[(1.0, 0.2), (3.0, 0.8)]).0);
    }

    #[test]
    fn of_equal_costs_the_better_counts() {
        assert_eq!(curve(&[(1.0, 0.2), (1.0, 0.4), (1.0, 0.3)]).hull(), curve(&[(1.0, 0.4)]).0);
    }

    #[test]
    fn aiq_is_the_mean_height_over_the_range() {
        // A triangle's mean height 0.5, then flat at 1.
        let c = curve(&[(0.0, 0.0), (1.0, 1.0)]);
        assert!((c.aiq(0.0, 1.0) - 0.5).abs() < 1e-12);
        assert!((c.aiq(0.0, 2.0) - 0.75).abs() < 1e-12);
        assert!((c.aiq(0.5, 1.0) - 0.75).abs() < 1e-12);
    }

    #[test]
    fn what_costs_more_than_the_range_allows_is_not_counted() {
        assert_eq!(curve(&[(2.0, 0.9)]).aiq(0.0, 1.0), 0.0);
        assert!((curve(&[(1.0, 0.9)]).aiq(0.0, 2.0) - 0.45).abs() < 1e-12);
        assert!(curve(&[(1.0, 0.9)]).aiq(1.0, 1.0).is_nan());
    }

    #[test]
    fn least_cost_takes_operating_points_only() {
        let c = curve(&[(1.0, 0.5), (3.0, 0.9)]);
        assert_eq!(c.least_cost(0.6), Some(3.0));
        assert_eq!(c.least_cost(0.95), None);
    }

    proptest! {
        #[test]
        fn no_point_lies_above_its_hull(points in prop::collection::vec((0.0..1.0f64, 0.0..1.0f64), 1..40)) {
            let c = curve(&points);
            let hull = c.hull();
            prop_assert!(hull.windows(2).all(|w| w[0].cost_usd < w[1].cost_usd && w[0].quality < w[1].quality));
            for p in &c.0 {
                let above = match hull.iter().position(|h| h.cost_usd >= p.cost_usd) {
                    Some(0) => hull[0].quality,
                    Some(i) => {
                        let (a, b) = (hull[i - 1], hull[i]);
                        a.quality + slope(a, b) * (p.cost_usd - a.cost_usd)
                    }
                    None => hull[hull.len() - 1].quality,
                };
                prop_assert!(p.quality <= above + 1e-12);
            }
        }
    }
}
