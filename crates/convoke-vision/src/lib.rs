//! What stands before and after a vision network: pictures in, answers out. On its own, beside any engine.
//!
//! Pictures are read upright, resized to the byte as Pillow (and so torchvision) or OpenCV do it, letterboxed as ultralytics does, and
//! made arrays of numbers; a [`Placement`] leads back to the picture's own pixels. Answers become classes with names, boxes, masks and
//! text.
//!
//! ```
//! use convoke_vision::{Colours, Filter, Head, Keep, Layout, Picture, Scaling, LETTERBOX_GREY};
//!
//! # fn run(input: ndarray::Array4<f32>) -> ndarray::ArrayD<f32> { ndarray::Array3::zeros((1, 6, 21)).into_dyn() }
//! # let bytes = include_bytes!("../../../examples/digits/3.png");
//! let picture = Picture::read(bytes, Colours::Rgb)?;
//! let (boxed, placement) = picture.letterboxed(64, 64, Filter::Linear, LETTERBOX_GREY)?;
//! let head = run(Scaling::default().batch(&[boxed], Layout::Nchw)?); // by whatever runs YOLO: [1, 4 + C, A]
//! for found in &Head::Yolo.detections(&[head.view()], (64, 64), &Keep::default())?[0] {
//!     println!("{} {} {:?}", found.class, found.score, placement.back(found.rect));
//! }
//! # Ok::<(), convoke_vision::Error>(())
//! ```

mod boxes;
mod classify;
pub mod ctc;
mod detect;
mod draw;
mod error;
mod linear;
pub mod mask;
mod passes;
mod picture;
mod place;
mod read;
mod resize;
pub mod ssd;
mod tensor;

pub use boxes::{Detection, Rect, nms, nms_by_class};
pub use classify::{Labels, Ranked, softmax, top_k};
pub use detect::{Head, Keep, detr, ready, rt_detr, yolo, yolo_v5};
pub use draw::colour;
pub use error::{Error, Result};
pub use picture::{LONGEST, Picture};
pub use place::{LETTERBOX_GREY, Placement};
pub use read::{Colours, EXTENSIONS};
pub use resize::Filter;
pub use tensor::{IMAGENET_MEAN, IMAGENET_STD, Layout, Scaling};
