// The source coordinate of a padded coordinate, -1 for none: the twin of PaddingMode::source_index in src/padding.rs.
// Header: PADDING_MODE.

const ZEROS = 0u;
const REFLECT = 1u;
const REPLICATE = 2u;
const CIRCULAR = 3u;

fn source_index(index: i32, extent: i32) -> i32 {
    if (PADDING_MODE == ZEROS) {
        return select(-1, index, index >= 0 && index < extent);
    }
    var source = index;
    if (PADDING_MODE == REFLECT) {
        source = select(select(index, 2 * (extent - 1) - index, index >= extent), -index, index < 0);
    }
    if (PADDING_MODE == CIRCULAR) {
        source = select(select(index, index - extent, index >= extent), index + extent, index < 0);
    }
    return clamp(source, 0, extent - 1);
}
