#import shared/fmod

fn fmod_i32(left: i32, right: i32) -> i32 {
    return select(left % select(right, 1, right == 0), 0, right == 0);
}
