//! Scaled dot-product attention: by kernels that never have all scores in memory, or as two products and a softmax.

use crate::error::{Error, Result};
use crate::gpu::choose::attention::{ACROSS, Attention, KEYS, SLICE, TILE};
use crate::gpu::lower::common::{fill, slot};
use crate::gpu::lower::elementwise::broadcast::{self, merge_axes};
use crate::gpu::lower::matmul::two_operands;
use crate::gpu::lower::movement::strided_copy;
use crate::gpu::lower::rows::softmax;
use crate::gpu::plan::recording::{Recording, Value, Work};
use crate::gpu::wgsl::kernel::{Kernel, PipelineKey};
use crate::gpu::wgsl::parameters::MOST_AXES;
use crate::gpu::wgsl::parameters::attention::AttentionParameters;
use crate::ops::{AttentionExtents, Binary, Op, ScaledDotProductAttention, Softmax, Transpose};

const NAME: &str = "scaled_dot_product_attention";

pub(crate) fn lower(op: ScaledDotProductAttention, inputs: &[Value], output: &Value, recording: &mut Recording) -> Result<()> {
    let extents = ScaledDotProductAttention::extents(&inputs[0].shape, &inputs[1].shape, &inputs[2].shape)?;
    if extents.keys == 0 {
        return fill(NAME, 0.0, output, recording);
    }
    let layer = Layer {
        scale: op.factor(extents.size),
        extents,
        inputs,
        output,
    };
    let how = Attention::choose(&layer.extents, &recording.capabilities);
    match how {
        Attention::Rows(rows) => layer.by_rows(rows, recording),
        Attention::Tiled => layer.by_tiles(recording),
        Attention::Products => layer.by_products(recording),
    }
}

struct Layer<'a> {
    scale: f32,
    extents: AttentionExtents,
    inputs: &'a [Value],
    output: &'a Value,
}

impl Layer<'_> {
    /// An invocation for a few queries.
    fn by_rows(&self, rows: usize, recording: &mut Recording) -> Result<()> {
        const LANES: usize = 8;
        let quads = [self.extents.size / 4, self.extents.value_size / 4].map(|quads| quads as u32);
        let mut constants = vec![
            ("LANES", LANES as u32),
            ("ROWS", rows as u32),
            ("KEYS", KEYS as u32),
            ("QUADS", quads[0]),
            ("VALUE_QUADS", quads[1]),
            ("LAST_QUAD", quads[0] - 1),
            ("LAST_VALUE_QUAD", quads[1] - 1),
        ];
        // Of what lanes hand round, all eight have a part.
        let (kernel, room) = if recording.capabilities.broadcast {
            let parts = quads.map(|quads| quads.div_ceil(LANES as u32));
            constants.extend([("PARTS", parts[0]), ("VALUE_PARTS", parts[1])]);
            (Kernel::AttentionRowsBroadcast, parts.map(|parts| parts * LANES as u32))
        } else {
            (Kernel::AttentionRows, quads)
        };
        constants.extend([("ROOM", room[0]), ("VALUE_ROOM", room[1])]);
        let rounds = Attention::Rows(rows).rounds(&self.extents);
        self.dispatch(kernel, constants, rows * LANES, rounds, recording)
    }

    /// A workgroup for a tile of queries.
    fn by_tiles(&self, recording: &mut Recording) -> Result<()> {
        let constants = vec![
            ("LANES", (ACROSS * ACROSS) as u32),
            ("ACROSS", ACROSS as u32),
            ("SLICE", SLICE as u32),
            ("VALUE_QUADS", self.extents.value_size.div_ceil(4 * ACROSS) as u32),
        ];
        let rounds = Attention::Tiled.rounds(&self.extents);
        self.dispatch(Kernel::AttentionTiled, constants, TILE, rounds, recording)
    }

    /// Records a kernel of which a workgroup has so many queries.
    fn dispatch(
        &self,
        kernel: Kernel,
        mut constants: Vec<(&'static str, u32)>,
        block: usize,
        rounds: usize,
        recording: &mut Recording,
    ) -> Result<()> {
        let [query, key, value] = [&self.inputs[0], &self.inputs[1], &self.inputs[2]];
        let mask = self.inputs.get(3);
        constants.extend([("HAS_MASK", u32::from(mask.is_some())), ("AXES", MOST_AXES as u32)]);
        let strides = MaskStrides::new(mask, &query.shape)?;
        let &AttentionExtents {
            matrices,
            queries,
            keys,
            size,
            value_size,
        } = &self.extents;
        let query_blocks = queries.div_ceil(block);
        let parameters = AttentionParameters {
            matrices: matrices as u32,
            queries: queries as u32,
            keys: keys as u32,
            size: size as u32,
            value_size: value_size as u32,
            query_blocks: query_blocks as u32,
            scale: self.scale,
            mask_row_stride: strides.row,
            mask_key_stride: strides.key,
            unused: [0; 3],
            axes: strides.axes,
        };
        let inputs = [slot(query)?, slot(key)?, slot(value)?, slot(mask.unwrap_or(query))?];
        let work = Work::of(matrices * query_blocks).rounds(rounds);
        recording.dispatch(
            NAME,
            PipelineKey::new(kernel, constants),
            &parameters,
            &inputs,
            &[slot(self.output)?],
            work,
        )
    }

    /// As it is defined, with all scores in memory.
    fn by_products(&self, recording: &mut Recording) -> Result<()> {
        let [query, key, value] = [&self.inputs[0], &self.inputs[1], &self.inputs[2]];
        let rank = query.shape.len();
        let batch = &query.shape[..rank - 2];
        let AttentionExtents { queries, keys, size, .. } = self.extents;
        let scale = Value {
            slot: Some(recording.data(NAME, vec![self.scale.to_bits()])?),
            shape: vec![],
            ..query.clone()
        };
        let scaled = recording.inner(NAME, &query.shape)?;
        broadcast::lower(Kernel::Binary, Binary::Mul.into(), [query, &scale], &scaled, recording)?;
        let mut order: Vec<isize> = (0..rank as isize).collect();
        order.swap(rank - 2, rank - 1);
        let transposed = recording.output(NAME, &[batch, &[size, keys]].concat(), key.dtype)?;
        let transpose = Op::from(Transpose::new(order));
        strided_copy::lower(&transpose, std::slice::from_ref(key), &transposed, recording)?;
        let shape = [batch, &[queries, keys]].concat();
        let mut scores = recording.inner(NAME, &shape)?;
        two_operands::lower(&scaled, &transposed, &scores, recording)?;
        if let Some(mask) = self.inputs.get(3) {
            let masked = recording.inner(NAME, &shape)?;
            broadcast::lower(Kernel::Binary, Binary::Add.into(), [&scores, mask], &masked, recording)?;
            scores = masked;
        }
        let weights = recording.inner(NAME, &shape)?;
        softmax::lower(&Softmax::new(-1), &scores, &weights, recording)?;
        two_operands::lower(&weights, value, self.output, recording)
    }
}

/// Where the elements of a mask that broadcasts to the scores lie.
struct MaskStrides {
    row: u32,
    key: u32,
    axes: [[u32; 4]; MOST_AXES],
}

impl MaskStrides {
    fn new(mask: Option<&Value>, query: &[usize]) -> Result<Self> {
        let mut strides = Self {
            row: 0,
            key: 0,
            axes: [[1, 0, 0, 0]; MOST_AXES],
        };
        let Some(mask) = mask else { return Ok(strides) };
        let rank = mask.shape.len();
        let (batch, matrix) = mask.shape.split_at(rank.saturating_sub(2));
        let (row, key) = match *matrix {
            [row, key] => (row, key),
            [key] => (1, key),
            _ => (1, 1),
        };
        strides.key = u32::from(key != 1);
        strides.row = if row == 1 { 0 } else { key as u32 };
        // In matrices of the mask, and then in its elements.
        let merged = merge_axes([batch], &query[..query.len() - 2]);
        if merged.len() > MOST_AXES {
            return Err(Error::unsupported(
                NAME,
                format!(
                    "a mask of shape {:?} alternates between broadcast and not over more than {MOST_AXES} leading axes",
                    mask.shape
                ),
            ));
        }
        for (axis, [extent, stride, ..]) in strides.axes.iter_mut().zip(merged) {
            *axis = [extent, stride * (row * key) as u32, 0, 0];
        }
        Ok(strides)
    }
}
