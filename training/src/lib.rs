//! Offline work for Satisfice: fit what the router predicts with, and measure it.
//!
//! Stands beside the router on the same encoder, features, classifier and policy: what is trained is what is served.

pub mod card;
pub mod channels;
pub mod embed;
pub mod evaluate;
pub mod evaluate_encoder;
pub mod evaluate_tasks;
pub mod features;
pub mod fit;
pub mod import;
pub mod irt;
pub mod lbfgs;
pub mod linear;
pub mod metrics;
pub mod nearest;
pub mod noise;
pub mod online;
pub mod ope;
pub mod output;
pub mod pca;
pub mod perturb;
pub mod promote;
pub mod quality;
pub mod replay;
pub mod ridge;
pub mod routing;
pub mod simulate;
pub mod tables;
