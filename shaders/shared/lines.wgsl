// Where an element of the output stands, and its line in the other tensor.

struct Line {
    // whether the other tensor goes as far but along the axis
    exists: bool,
    // the element's place along the axis
    place: i32,
    // the first element of the line in the other tensor
    first: u32,
}

fn line_of(index: u32) -> Line {
    var line = Line(true, 0, 0u);
    var rest = index;
    for (var axis = 0u; axis < AXES; axis++) { // unroll
        let fields = params.axes[axis];
        let coordinate = rest % fields.x;
        rest /= fields.x;
        line.exists = line.exists && coordinate < fields.y;
        line.first += coordinate * fields.z;
        line.place += i32(coordinate * fields.w);
    }
    return line;
}

// The place along the axis that an index names: negative ones count from the end.
fn place_of(index: i32) -> i32 {
    return select(index, index + params.extent, index < 0);
}
