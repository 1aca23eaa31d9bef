//! Routing on outcome tables: what a router would have chosen on each query, what that would have cost and been worth.
//!
//! [`table`] holds scores and costs of every model on every query, [`router`] what a router predicts from training queries,
//! [`baselines`] those that everybody must be compared with, [`curve`] quality against cost, [`pair`] the measures for two
//! models, [`calibration`] whether predictions mean what they say, [`figures`] all of it for one router, [`splits`] the
//! protocols.

pub mod baselines;
pub mod calibration;
pub mod curve;
pub mod figures;
pub mod pair;
pub mod router;
pub mod splits;
pub mod table;

pub use curve::{Curve, Point};
pub use router::{Predictions, Router, Trained};
pub use table::{Grid, RoutingTable};
