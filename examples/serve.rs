//! Pictures classified over HTTP, those that come together in one run: `cargo run --release --features onnx --example serve -- MODEL.onnx`
//! and then `curl --data-binary @PICTURE.png http://127.0.0.1:8000/classify`
//!
//! For networks of [N, 3, H, W] with ImageNet's means, or [N, 1, H, W] of grey levels, whose output is a score for each class.

use std::error::Error;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::{Json, Router, routing::post};
use convoke::onnx::Model;
use convoke::session::{BatchOptions, Batches};
use convoke::{Backend, Session, Tensor};
use convoke_vision::{Colours, Filter, Layout, Picture, Ranked, Scaling, softmax, top_k};
use ndarray::Axis;
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let model = std::env::args().nth(1).ok_or("expected MODEL.onnx")?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8000").await?;
    Ok(axum::serve(listener, router(&model)?).await?)
}

struct Service {
    batches: Batches,
    size: [usize; 3],
}

/// `POST /classify` takes a picture, in any usual format, and gives its three likeliest classes.
pub(crate) fn router(model: &str) -> Result<Router, Box<dyn Error>> {
    let session = Session::new(Model::open(model)?, &Backend::auto())?;
    let shape = session.inputs()[0].default_shape().unwrap_or_default();
    let &[_, channels, height, width] = shape.as_slice() else {
        return Err("expected an input [N, C, H, W] of a known size".into());
    };
    let batches = session.batches(BatchOptions::default())?;
    let size = [channels, height, width];
    let router = Router::new().route("/classify", post(classify));
    Ok(router.with_state(Arc::new(Service { batches, size })))
}

async fn classify(State(service): State<Arc<Service>>, body: Bytes) -> Result<Json<Value>, (StatusCode, String)> {
    let input = service.prepared(&body);
    let input = input.map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()))?;
    let answered = service.batches.run_async(vec![input]).await;
    let ranked = answered.map_err(Into::into).and_then(|outputs| ranked(&outputs[0]));
    Ok(Json(
        ranked.map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?,
    ))
}

impl Service {
    fn prepared(&self, picture: &[u8]) -> Result<Tensor, Box<dyn Error>> {
        let [channels, height, width] = self.size;
        let picture = Picture::read(picture, Colours::of(channels)?)?.resized(height, width, Filter::Bilinear)?;
        let scaling = if channels == 3 {
            Scaling::imagenet()
        } else {
            Scaling::default()
        };
        Ok(scaling.batch(&[picture], Layout::Nchw)?.into())
    }
}

fn ranked(scores: &Tensor) -> Result<Value, Box<dyn Error>> {
    let scores = scores.array::<f32>()?.index_axis(Axis(0), 0).into_dimensionality()?;
    let ranked = top_k(softmax(&scores), 3).into_iter();
    let ranked = ranked.map(|Ranked { class, score }| json!({ "class": class, "score": score }));
    Ok(ranked.collect())
}
