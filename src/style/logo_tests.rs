use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgba, RgbaImage};

use super::{Format, Logo, LogoError};

/// A picture that says which way is up: a red pixel in its upper left corner, on a see-through ground.
fn flag(width: u32, height: u32) -> DynamicImage {
    let mut image = RgbaImage::from_pixel(width, height, Rgba([0, 0, 200, 128]));
    for (x, y) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
        image.put_pixel(x, y, Rgba([255, 0, 0, 255]));
    }
    DynamicImage::ImageRgba8(image)
}

/// What no compression makes small.
fn noise(side: u32) -> DynamicImage {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        u8::try_from(state >> 24).unwrap()
    };
    let image = RgbaImage::from_fn(side, side, |_, _| Rgba([next(), next(), next(), 255]));
    DynamicImage::ImageRgb8(DynamicImage::ImageRgba8(image).into_rgb8())
}

fn written(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    image.write_to(&mut Cursor::new(&mut bytes), format).unwrap();
    bytes
}

fn png() -> Vec<u8> {
    written(&flag(60, 20), ImageFormat::Png)
}

fn jpeg() -> Vec<u8> {
    written(&DynamicImage::ImageRgb8(flag(60, 20).into_rgb8()), ImageFormat::Jpeg)
}

/// A chunk of a PNG file (its specification, 5.3).
fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(name);
    crc.update(data);
    let length = u32::try_from(data.len()).unwrap().to_be_bytes();
    [&length[..], name, data, &crc.sum().to_be_bytes()].concat()
}

/// A PNG file with another chunk after its header, which is 8 + 25 bytes long.
fn with_chunk(png: &[u8], chunk: &[u8]) -> Vec<u8> {
    [&png[..33], chunk, &png[33..]].concat()
}

/// A file that begins like a PNG of this size.
fn claims(width: u32, height: u32) -> Vec<u8> {
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 6, 0, 0, 0]].concat();
    let data = [0x78, 0x9C, 0x63, 0, 0, 0, 1, 0, 1];
    [&png()[..8], &chunk(b"IHDR", &header), &chunk(b"IDAT", &data), &chunk(b"IEND", &[])].concat()
}

/// A JPEG file with an APP1 segment after its first marker.
fn with_exif(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let tiff =
        [b"Exif\0\0MM\0\x2A\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".as_slice(), &[orientation, 0, 0]];
    let body = [&tiff.concat()[..], b"\0\0\0\0 owner: alice"].concat();
    let length = u16::try_from(body.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], &[0xFF, 0xE1], &length, &body, &jpeg[2..]].concat()
}

fn refused(bytes: &[u8]) -> LogoError {
    Logo::rewrite(bytes).map(|logo| (logo.width, logo.height)).unwrap_err()
}

fn holds(logo: &Logo, text: &str) -> bool {
    logo.bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn a_logo_is_its_pixels_and_nothing_else_of_the_file() {
    let mut dressed = with_chunk(&png(), &chunk(b"tEXt", b"Comment\0<script>alert(1)</script>"));
    dressed.extend(b"<html><script>alert(2)</script>PK\x03\x04");
    let logo = Logo::rewrite(&dressed).unwrap();
    assert_eq!((logo.format, logo.width, logo.height), (Format::Png, 60, 20));
    assert!(!holds(&logo, "script") && !holds(&logo, "PK"));
    assert_eq!(image::load_from_memory(&logo.bytes).unwrap(), flag(60, 20), "pixel for pixel");

    let mut dressed = with_exif(&jpeg(), 1);
    dressed.extend(b"<script>alert(2)</script>");
    let logo = Logo::rewrite(&dressed).unwrap();
    assert_eq!((logo.format, logo.width, logo.height), (Format::Jpeg, 60, 20));
    assert!(!holds(&logo, "alice") && !holds(&logo, "Exif") && !holds(&logo, "script"));
}

#[test]
fn the_same_file_makes_the_same_logo() {
    for file in [png(), jpeg(), with_exif(&jpeg(), 6)] {
        assert_eq!(Logo::rewrite(&file), Logo::rewrite(&file));
    }
    let logo = Logo::rewrite(&png()).unwrap();
    assert_eq!(Logo::rewrite(&logo.bytes).unwrap(), logo, "nor does a PNG change that was one of ours");
}

#[test]
fn a_photograph_stands_the_way_it_was_taken() {
    let logo = Logo::rewrite(&with_exif(&jpeg(), 6)).unwrap();
    assert_eq!((logo.width, logo.height), (20, 60));
    let image = image::load_from_memory(&logo.bytes).unwrap().into_rgb8();
    let (corner, ground) = (image.get_pixel(19, 0).0, image.get_pixel(0, 0).0);
    assert!(corner[0] > 150 && ground[0] < 100, "turned by a quarter: {corner:?} {ground:?}");
}

#[test]
fn what_is_neither_png_nor_jpeg_is_refused() {
    for file in [
        b"".as_slice(),
        b"GIF89a\x01\0\x01\0\0\0\0;",
        b"RIFF\x1a\0\0\0WEBPVP8L",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"<html>",
        b"BM",
        b"\x89PNG",
        b"\xFF\xD8",
    ] {
        assert_eq!(refused(file), LogoError::Format);
    }
    for clothes in [b"\x89PNG\r\n\x1a\n".as_slice(), b"\xFF\xD8\xFF\xE0", b"\xFF\xD8\xFF\xD9"] {
        let file = [clothes, b"<html><script>alert(1)</script>"].concat();
        assert!(matches!(refused(&file), LogoError::Broken(_)), "{:?}", refused(&file));
    }
}

#[test]
fn a_file_that_is_cut_off_is_refused_wherever_it_is_cut() {
    let (png, jpeg) = (png(), jpeg());
    // The last chunk of a PNG holds nothing.
    for end in 8..png.len() - 12 {
        assert!(matches!(refused(&png[..end]), LogoError::Broken(_)), "{end}");
    }
    for end in 3..jpeg.len() {
        assert!(matches!(refused(&jpeg[..end]), LogoError::Broken(_)), "{end}");
    }
}

#[test]
fn a_small_file_does_not_stand_for_a_huge_picture() {
    for (width, height) in [(30_000, 30_000), (4_097, 1), (1, 4_097), (4_096, 1_025)] {
        assert_eq!(refused(&claims(width, height)), LogoError::Pixels { width, height });
    }
    assert_eq!(refused(&claims(u32::MAX >> 1, 1)), LogoError::Heavy, "before its first line");
    assert!(matches!(refused(&claims(4_096, 1_024)), LogoError::Broken(_)), "its pixels are missing");
    let mut wide = jpeg();
    let header = wide.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
    wide[header + 5..header + 9].copy_from_slice(&[0xFF, 0xFF, 0xFF, 0xFF]);
    assert_eq!(refused(&wide), LogoError::Pixels { width: 65_535, height: 65_535 });
    assert!(matches!(refused(&written(&noise(420), ImageFormat::Png)), LogoError::Written(_)));
}

#[test]
fn a_picture_that_moves_is_refused() {
    let moving = with_chunk(&png(), &chunk(b"acTL", &[0, 0, 0, 2, 0, 0, 0, 0]));
    assert_eq!(refused(&moving), LogoError::Animated);
}

#[test]
fn deep_and_grey_pictures_come_out_as_browsers_draw_them() {
    let image = flag(60, 20);
    for (given, alpha) in [
        (DynamicImage::ImageRgba16(image.clone().into_rgba16()), true),
        (DynamicImage::ImageLumaA16(image.clone().into_luma_alpha16()), true),
        (DynamicImage::ImageLuma16(image.clone().into_luma16()), false),
        (DynamicImage::ImageRgb16(image.clone().into_rgb16()), false),
    ] {
        let logo = Logo::rewrite(&written(&given, ImageFormat::Png)).unwrap();
        let color = image::load_from_memory(&logo.bytes).unwrap().color();
        assert_eq!(
            (color.has_alpha(), color.bits_per_pixel() / u16::from(color.channel_count())),
            (alpha, 8)
        );
    }
    let grey = written(&DynamicImage::ImageLuma8(image.into_luma8()), ImageFormat::Jpeg);
    assert_eq!(Logo::rewrite(&grey).unwrap().format, Format::Jpeg);
}

#[test]
fn a_rich_photograph_gives_up_quality_before_it_outgrows_what_was_given() {
    let mut given = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut given, 50);
    noise(320).write_with_encoder(encoder).unwrap();
    assert!(given.len() < 102_400, "{}", given.len());
    let logo = Logo::rewrite(&given).unwrap();
    assert!(logo.bytes.len() < 130_000, "{} of {}", logo.bytes.len(), given.len());
}
