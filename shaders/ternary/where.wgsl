fn where_f32(condition: i32, yes: f32, no: f32) -> f32 {
    return select(no, yes, condition != 0);
}

fn where_i32(condition: i32, yes: i32, no: i32) -> i32 {
    return select(no, yes, condition != 0);
}
