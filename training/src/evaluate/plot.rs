//! Quality against cost, drawn.

use super::Report;
use crate::routing::{Curve, Point};
use anyhow::{Result, anyhow};
use plotters::prelude::*;
use std::path::Path;

const SIZE: (u32, u32) = (900, 600);
/// Routers drawn as lines, with their colour and width.
const LINES: [(&str, RGBColor, u32); 7] = [
    ("oracle", RGBColor(170, 170, 170), 1),
    ("source_table", RGBColor(200, 160, 90), 1),
    ("zero_router", RGBColor(90, 90, 90), 2),
    ("knn", RGBColor(80, 150, 210), 1),
    ("ridge", RGBColor(130, 180, 110), 1),
    ("task_mean", RGBColor(150, 110, 190), 1),
    ("satisfice", RGBColor(214, 60, 50), 3),
];

/// Draws the hulls of the first round's routers, and every single model as a dot; cost on a log scale.
///
/// # Errors
/// The file can't be written, or no curve has a cost.
pub(super) fn curves(report: &Report, path: &Path) -> Result<()> {
    let curves = report.curves();
    let points: Vec<Point> = curves.values().flat_map(|c| c.0.iter().copied()).filter(is_drawable).collect();
    let costs = points.iter().map(|p| p.cost_usd);
    let (low, high) = (costs.clone().fold(f64::INFINITY, f64::min), costs.fold(0.0, f64::max));
    if low.is_nan() || low >= high {
        return Err(anyhow!("there is no cost to draw against"));
    }
    let floor = points.iter().map(|p| p.quality).fold(1.0, f64::min);
    let root = SVGBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE).map_err(drawing)?;
    let mut chart = ChartBuilder::on(&root)
        .caption("Quality against cost on test queries", ("sans-serif", 20))
        .margin(14)
        .x_label_area_size(44)
        .y_label_area_size(56)
        .build_cartesian_2d((low * 0.9..high * 1.1).log_scale(), (floor - 0.02).max(0.0)..1.0)
        .map_err(drawing)?;
    chart
        .configure_mesh()
        .x_desc("mean cost of a query, USD (log scale)")
        .y_desc("mean quality")
        .x_label_formatter(&|v| format!("{v:.0e}"))
        .light_line_style(RGBColor(238, 238, 238))
        .draw()
        .map_err(drawing)?;
    for (name, colour, width) in LINES {
        let Some(curve) = curves.get(name) else { continue };
        let style = colour.stroke_width(width);
        chart
            .draw_series(LineSeries::new(stairs(curve, high), style))
            .map_err(drawing)?
            .label(name)
            .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 18, y)], style));
    }
    let singles = curves.iter().filter(|(name, _)| name.starts_with("model:")).flat_map(|(_, c)| c.0.iter());
    let dots = singles.filter(|p| is_drawable(p)).map(|p| Circle::new((p.cost_usd, p.quality), 3, BLACK.filled()));
    chart.draw_series(dots).map_err(drawing)?;
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .background_style(WHITE.mix(0.85))
        .border_style(RGBColor(200, 200, 200))
        .draw()
        .map_err(drawing)?;
    root.present().map_err(drawing)
}

fn is_drawable(point: &Point) -> bool {
    point.cost_usd > 0.0 && point.cost_usd.is_finite()
}

/// The hull, with segments bent as a straight mixture looks on a log scale, and level to the right end.
fn stairs(curve: &Curve, high: f64) -> Vec<(f64, f64)> {
    const STEPS: i32 = 24;
    let hull: Vec<Point> = curve.hull().into_iter().filter(is_drawable).collect();
    let mut out = Vec::new();
    for w in hull.windows(2) {
        for step in 0..STEPS {
            let cost = w[0].cost_usd * (w[1].cost_usd / w[0].cost_usd).powf(f64::from(step) / f64::from(STEPS));
            let share = (cost - w[0].cost_usd) / (w[1].cost_usd - w[0].cost_usd);
            out.push((cost, w[0].quality + share * (w[1].quality - w[0].quality)));
        }
    }
    out.extend(hull.last().into_iter().flat_map(|p| [(p.cost_usd, p.quality), (high.max(p.cost_usd), p.quality)]));
    out
}

fn drawing(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("drawing failed: {error}")
}
