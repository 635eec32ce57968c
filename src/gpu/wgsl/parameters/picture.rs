use crate::gpu::wgsl::parameters::parameters;

parameters! {
    /// What `picture_levels` takes.
    PictureLevelsParameters {
        /// height * `width`
        pixels: u32,
        width: u32,
        /// Bytes from one row of floats or luma to the next.
        pitch: u32,
        /// The first byte of chroma, bytes from one of its rows to the next, and the first byte of its second plane.
        chroma: u32,
        chroma_pitch: u32,
        second: u32,
        /// The luma of black.
        black: i32,
        /// What each colour takes of luma and chroma, in units of 2^-20.
        of_luma: i32,
        red_of_red: i32,
        green_of_blue: i32,
        green_of_red: i32,
        blue_of_blue: i32,
    }

    /// What `picture_rows` takes.
    PictureRowsParameters {
        /// rows * `width`
        outputs: u32,
        /// Pixels of a row of the output.
        width: u32,
        /// The first row of the picture that is wanted.
        top: u32,
        /// Bytes from one row of the picture to the next.
        pitch: u32,
    }

    /// What `picture_planes` takes.
    PicturePlanesParameters {
        /// The output's height * `out_width`.
        places: u32,
        out_width: u32,
        /// The picture, as it lies in the output.
        height: u32,
        width: u32,
        /// Where it begins there, modulo 2^32.
        top: u32,
        left: u32,
        /// The level around it.
        around: u32,
        planes: u32,
        /// The first element of the output, and how far neighbours in a plane and in a place lie apart.
        first: u32,
        place_stride: u32,
        plane_stride: u32,
        unused: [u32; 1],
        /// The channel that each plane is made of.
        order: [[u32; 4]; 1],
    }

    /// What `picture_strips` takes.
    PictureStripsParameters {
        /// Of the output.
        rows: u32,
        width: u32,
        /// The first row of the picture that is wanted.
        top: u32,
        /// Bytes from one row of the picture to the next.
        pitch: u32,
        /// How many pixels of a row weights are known of.
        length: u32,
        /// The eights of pixels of the longest strip.
        steps: u32,
    }

    /// What `planes_picture` takes.
    PlanesPictureParameters {
        words: u32,
        width: u32,
        /// Bytes from one row of the picture to the next.
        pitch: u32,
        /// How many channels are made of planes; the others are 255.
        planes: u32,
        /// The first element of the planes, and how far neighbours in a plane and in a place lie apart.
        first: u32,
        place_stride: u32,
        plane_stride: u32,
        /// What a number is multiplied by, and what is added, to be a level.
        scale: f32,
        shift: f32,
        unused: [u32; 3],
        /// The plane that each channel is made of.
        order: [[u32; 4]; 1],
    }
}
