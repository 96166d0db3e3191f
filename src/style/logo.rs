//! Logos: pictures of strangers, decoded within limits and written anew from their pixels, so that nothing else that
//! the file held (metadata, trailing bytes, a second file in the clothes of the first) reaches a browser.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use image::codecs::jpeg::{JpegDecoder, JpegEncoder};
use image::codecs::png::{CompressionType, FilterType, PngDecoder, PngEncoder};
use image::{ColorType, DynamicImage, ImageDecoder, ImageError, Limits};
use thiserror::Error;

use crate::pool::limits::LOGO;

/// First bytes of a PNG file (its specification, 5.2) and of a JPEG one (SOI, and the marker that follows).
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
const JPEG: &[u8] = b"\xFF\xD8\xFF";

/// Pixels of a side, and of the whole, at most: a small file can stand for a huge picture.
const SIDE: u32 = 4_096;
const AREA: u64 = 4_194_304;
/// Bytes that a decoder may allocate: eight for each pixel, and what it needs besides.
const ALLOCATION: u64 = 64 * 1_024 * 1_024;
/// Bytes of a logo once written anew. A picture of few colours grows, since they are no longer numbered.
const WRITTEN: usize = 4 * LOGO;
/// Qualities that a JPEG is tried with until it is as small as it may come in.
const QUALITIES: [u8; 4] = [90, 80, 70, 60];

/// A picture that this gateway wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logo {
    /// As it came in.
    pub format: Format,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// The file.
    pub bytes: Vec<u8>,
}

/// What a logo may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// PNG.
    Png,
    /// JPEG.
    Jpeg,
}

impl Format {
    /// By content; a name or a declared type counts for nothing.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            _ if bytes.starts_with(PNG) => Some(Self::Png),
            _ if bytes.starts_with(JPEG) => Some(Self::Jpeg),
            _ => None,
        }
    }
}

/// Why a logo is refused. Every text says what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LogoError {
    /// Neither PNG nor JPEG.
    #[error(
        "ImageFile must be a PNG or JPEG image, by its content: SVG, GIF, WebP and others are not allowed."
    )]
    Format,
    /// It begins like one, and is none.
    #[error("ImageFile must be a whole PNG or JPEG image: this one is damaged or cut off ({0}).")]
    Broken(String),
    /// Too many pixels.
    #[error(
        "ImageFile may be at most {SIDE} pixels wide and high, and hold {AREA} pixels, not {width} x {height}."
    )]
    Pixels {
        /// Given.
        width: u32,
        /// Given.
        height: u32,
    },
    /// Too much to decode, before it is known what it is.
    #[error(
        "ImageFile needs more memory than a logo may. Give a picture of fewer pixels, without a large colour profile."
    )]
    Heavy,
    /// It moves.
    #[error("ImageFile must be a still image: this one is an animated PNG.")]
    Animated,
    /// Too many bytes once written anew.
    #[error(
        "ImageFile is too large once it is written anew: {0} bytes, of at most {WRITTEN}. Give a picture of fewer pixels."
    )]
    Written(usize),
}

impl From<ImageError> for LogoError {
    fn from(error: ImageError) -> Self {
        if let ImageError::Limits(_) = error {
            return Self::Heavy;
        }
        // Of a file of a stranger: no more than a line of it.
        Self::Broken(error.to_string().chars().filter(|letter| !letter.is_control()).take(120).collect())
    }
}

impl Logo {
    /// Decodes a picture and writes it anew, turned the way its EXIF orientation says. CPU work, up to some tenths of
    /// a second: not for a thread that serves requests. The same bytes give the same logo.
    ///
    /// # Errors
    /// See [`LogoError`].
    pub fn rewrite(bytes: &[u8]) -> Result<Self, LogoError> {
        let format = Format::of(bytes).ok_or(LogoError::Format)?;
        // A decoder that stumbles over a file refuses it; it must not take more with it.
        let made = catch_unwind(AssertUnwindSafe(|| {
            let image = match format {
                Format::Png => png(bytes)?,
                Format::Jpeg => jpeg(bytes)?,
            };
            let image = eight_bits(image);
            let bytes = match format {
                Format::Png => write_png(&image)?,
                Format::Jpeg => write_jpeg(&image)?,
            };
            Ok(Self { format, width: image.width(), height: image.height(), bytes })
        }));
        let logo = made.unwrap_or_else(|_| Err(LogoError::Broken("it cannot be decoded".to_owned())))?;
        if logo.bytes.len() > WRITTEN { Err(LogoError::Written(logo.bytes.len())) } else { Ok(logo) }
    }
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE);
    limits.max_image_height = Some(SIDE);
    limits.max_alloc = Some(ALLOCATION);
    limits
}

fn png(bytes: &[u8]) -> Result<DynamicImage, LogoError> {
    // What stands before the pixels (a colour profile) is compressed, too. No bound of the sides yet: `check_size` says
    // which they are.
    let mut any_size = Limits::no_limits();
    any_size.max_alloc = Some(ALLOCATION);
    let decoder = PngDecoder::with_limits(Cursor::new(bytes), any_size)?;
    check_size(&decoder)?;
    let decoder = PngDecoder::with_limits(Cursor::new(bytes), limits())?;
    if decoder.is_apng()? {
        return Err(LogoError::Animated);
    }
    upright(decoder)
}

fn jpeg(bytes: &[u8]) -> Result<DynamicImage, LogoError> {
    // The decoder makes up what is missing.
    if !is_whole_jpeg(bytes) {
        return Err(LogoError::Broken("its end is missing".to_owned()));
    }
    let mut decoder = JpegDecoder::new(Cursor::new(bytes))?;
    check_size(&decoder)?;
    decoder.set_limits(limits())?;
    upright(decoder)
}

/// Before anything is allocated for the pixels.
fn check_size(decoder: &impl ImageDecoder) -> Result<(), LogoError> {
    let (width, height) = decoder.dimensions();
    let fits = width.max(height) <= SIDE && u64::from(width) * u64::from(height) <= AREA;
    if fits { Ok(()) } else { Err(LogoError::Pixels { width, height }) }
}

fn upright(mut decoder: impl ImageDecoder) -> Result<DynamicImage, LogoError> {
    let orientation = decoder.orientation()?;
    let mut image = DynamicImage::from_decoder(decoder)?;
    image.apply_orientation(orientation);
    Ok(image)
}

fn eight_bits(image: DynamicImage) -> DynamicImage {
    match image.color() {
        ColorType::L8 | ColorType::L16 => DynamicImage::ImageLuma8(image.into_luma8()),
        ColorType::La8 | ColorType::La16 => DynamicImage::ImageLumaA8(image.into_luma_alpha8()),
        ColorType::Rgb8 | ColorType::Rgb16 => DynamicImage::ImageRgb8(image.into_rgb8()),
        _ => DynamicImage::ImageRgba8(image.into_rgba8()),
    }
}

/// The smaller of two ways to write it: photographs want filters, drawings none.
fn write_png(image: &DynamicImage) -> Result<Vec<u8>, LogoError> {
    let write = |filter| {
        let mut out = Vec::new();
        image.write_with_encoder(PngEncoder::new_with_quality(&mut out, CompressionType::Best, filter))?;
        Ok::<_, LogoError>(out)
    };
    let (filtered, plain) = (write(FilterType::Adaptive)?, write(FilterType::NoFilter)?);
    Ok(if plain.len() < filtered.len() { plain } else { filtered })
}

fn write_jpeg(image: &DynamicImage) -> Result<Vec<u8>, LogoError> {
    let mut out = Vec::new();
    for quality in QUALITIES {
        out.clear();
        image.write_with_encoder(JpegEncoder::new_with_quality(&mut out, quality))?;
        if out.len() <= LOGO {
            break;
        }
    }
    Ok(out)
}

/// Whether the file goes on to its end marker (ITU-T T.81, B.1.1).
fn is_whole_jpeg(bytes: &[u8]) -> bool {
    let mut at = 2;
    while let Some(&[0xFF, marker, ..]) = bytes.get(at..) {
        match marker {
            0xD9 => return true,
            // A fill byte; and inside a scan: a byte of data that is 0xFF, a restart.
            0xFF => at += 1,
            0x00 | 0x01 | 0xD0..=0xD8 => at += 2,
            _ => {
                let Some(&[high, low]) = bytes.get(at + 2..at + 4) else { return false };
                at += 2 + usize::from(u16::from_be_bytes([high, low]));
            }
        }
        // Data of a scan, up to the next marker.
        at += bytes
            .get(at..)
            .and_then(|rest| rest.iter().position(|byte| *byte == 0xFF))
            .unwrap_or(usize::MAX / 2);
    }
    false
}
