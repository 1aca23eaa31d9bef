//! L-BFGS (Nocedal & Wright, algorithm 7.5) with a backtracking Armijo line search, for smooth convex objectives.

/// When to stop.
#[derive(Debug, Clone, Copy)]
pub struct Stop {
    /// Iterations at most.
    pub iterations: usize,
    /// Relative decrease of the objective below which it is done.
    pub tolerance: f64,
}

const MEMORY: usize = 10;

/// Minimises `objective(x, gradient) -> value` from `x` in place; calls `progress` after each iteration with the value.
pub fn minimise(
    x: &mut [f64],
    stop: Stop,
    mut objective: impl FnMut(&[f64], &mut [f64]) -> f64,
    mut progress: impl FnMut(f64),
) -> f64 {
    let n = x.len();
    let mut gradient = vec![0.0; n];
    let mut value = objective(x, &mut gradient);
    let mut pairs: Vec<Pair> = Vec::new();
    let (mut next, mut next_gradient) = (vec![0.0; n], vec![0.0; n]);
    for iteration in 0..stop.iterations {
        let mut direction = descent(&gradient, &pairs);
        let mut slope = dot(&direction, &gradient);
        if slope >= 0.0 {
            pairs.clear();
            direction = gradient.iter().map(|g| -g).collect();
            slope = dot(&direction, &gradient);
        }
        let mut step = if iteration == 0 { 1.0 / dot(&gradient, &gradient).sqrt().max(1.0) } else { 1.0 };
        let mut next_value = f64::INFINITY;
        for _ in 0..30 {
            for ((next, x), d) in next.iter_mut().zip(x.iter()).zip(&direction) {
                *next = x + step * d;
            }
            next_value = objective(&next, &mut next_gradient);
            if next_value <= value + 1e-4 * step * slope {
                break;
            }
            step *= 0.5;
        }
        if next_value >= value {
            break;
        }
        remember(&mut pairs, x, &next, &gradient, &next_gradient);
        x.copy_from_slice(&next);
        std::mem::swap(&mut gradient, &mut next_gradient);
        let decrease = (value - next_value) / value.abs().max(1.0);
        value = next_value;
        progress(value);
        if decrease < stop.tolerance {
            break;
        }
    }
    value
}

struct Pair {
    s: Vec<f64>,
    y: Vec<f64>,
    rho: f64,
}

fn remember(pairs: &mut Vec<Pair>, x: &[f64], next: &[f64], gradient: &[f64], next_gradient: &[f64]) {
    let s: Vec<f64> = next.iter().zip(x).map(|(a, b)| a - b).collect();
    let y: Vec<f64> = next_gradient.iter().zip(gradient).map(|(a, b)| a - b).collect();
    let curvature = dot(&s, &y);
    if curvature > 1e-12 {
        if pairs.len() == MEMORY {
            pairs.remove(0);
        }
        pairs.push(Pair { s, y, rho: 1.0 / curvature });
    }
}

/// The two-loop recursion.
fn descent(gradient: &[f64], pairs: &[Pair]) -> Vec<f64> {
    let mut q: Vec<f64> = gradient.iter().map(|g| -g).collect();
    let mut alphas = vec![0.0; pairs.len()];
    for (alpha, pair) in alphas.iter_mut().zip(pairs).rev() {
        *alpha = pair.rho * dot(&pair.s, &q);
        axpy(&mut q, -*alpha, &pair.y);
    }
    if let Some(last) = pairs.last() {
        let scale = 1.0 / (last.rho * dot(&last.y, &last.y));
        q.iter_mut().for_each(|v| *v *= scale);
    }
    for (alpha, pair) in alphas.iter().zip(pairs) {
        let beta = pair.rho * dot(&pair.y, &q);
        axpy(&mut q, alpha - beta, &pair.s);
    }
    q
}

fn axpy(x: &mut [f64], a: f64, y: &[f64]) {
    x.iter_mut().zip(y).for_each(|(x, y)| *x += a * y);
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_minimum_of_an_ill_conditioned_bowl() {
        let mut x = vec![5.0, -3.0, 2.0];
        let scales = [1.0, 100.0, 0.01];
        let goal = [1.0, 2.0, -3.0];
        let objective = |x: &[f64], g: &mut [f64]| {
            let mut value = 0.0;
            for i in 0..3 {
                let d = x[i] - goal[i];
                value += 0.5 * scales[i] * d * d;
                g[i] = scales[i] * d;
            }
            value
        };
        minimise(&mut x, Stop { iterations: 200, tolerance: 1e-15 }, objective, |_| {});
        for (x, goal) in x.iter().zip(goal) {
            assert!((x - goal).abs() < 1e-4, "{x} {goal}");
        }
    }
}
