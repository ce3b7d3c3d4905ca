// Unpacking never reads or writes outside of what it was given and takes no more memory than its input can account for;
// packing gives back what was put in. With a dictionary there are all codecs to meet. Likewise of differences.
#include <memory>
#include <string>
#include <string_view>

#include "input.h"
#include "packing/compression.h"
#include "packing/difference.h"

namespace stave::fuzz {
namespace {

// A dictionary need not be trained: zstd takes any bytes for one.
constexpr std::string_view kContent =
    R"({"id":1,"customer":"user@example.com","status":"delivered","total":10,"currency":"EUR","note":"the log"})";
constexpr std::uint32_t kId = 0x64636261;  // "abcd", which a fuzzer can guess

struct Fixture {
  Fixture() : files(make_memory_file_system()), compression(*files, "/store") {
    require(files->create_directories("/store").has_value());
    const auto file = files->open("/store/" + packing::dictionary_name(kId), OpenMode::kCreate);
    const std::string bytes = packing::encode_dictionary(kId, 1, kContent);
    require((*file)->write_at(0, std::as_bytes(std::span(bytes))).has_value());
    require(compression.open().has_value());
  }
  std::unique_ptr<FileSystem> files;
  packing::Compression compression;
};

void unpack_any_bytes(const packing::Compression& compression, std::string_view payload) {
  // In memory of its own, so that a byte too far is found.
  const auto copy = std::make_unique<char[]>(payload.size());
  payload.copy(copy.get(), payload.size());
  std::string scratch;
  const auto value = compression.unpack({copy.get(), payload.size()}, scratch);
  require(scratch.capacity() <= (payload.size() / 4 + 2) * (128u << 10));
  if (!value) return;
  const auto size = packing::Compression::raw_size(payload);
  require(size && *size == value->size());
}

void pack_and_unpack(packing::Compression& compression, std::string_view value) {
  const auto packed = compression.pack(value);
  if (!packed) return;
  require(packed->size() <= packing::Compression::payload_bytes_max(value.size()));
  const std::string payload(*packed);
  std::string scratch;
  const auto again = compression.unpack(payload, scratch);
  require(again && *again == value);
}

// The first half is the value before; the second one the difference from it, and then the value after it.
void apply_any_bytes(std::string_view bytes) {
  const std::string_view before = bytes.substr(0, bytes.size() / 2);
  const std::string_view rest = bytes.substr(before.size());
  const auto copy = std::make_unique<char[]>(rest.size());
  rest.copy(copy.get(), rest.size());
  std::string value;
  if (packing::apply_difference(before, {copy.get(), rest.size()}, value))
    require(packing::difference_size(rest).value() == value.size());
  std::string difference;
  if (!packing::difference(before, rest, bytes.size(), difference)) return;
  require(difference.size() <= bytes.size());
  require(packing::apply_difference(before, difference, value) && value == rest);
}

void read_a_dictionary(std::string_view bytes) {
  if (const auto dictionary = packing::decode_dictionary(bytes, "fuzz.dict")) require((*dictionary)->id() != 0);
}

}  // namespace
}  // namespace stave::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static stave::fuzz::Fixture fixture;
  stave::fuzz::Input input(data, size);
  const auto choice = input.number<std::uint8_t>();
  const std::string_view rest = input.rest();
  if (choice == 0) {
    stave::fuzz::read_a_dictionary(rest);
  } else if (choice == 255) {
    stave::fuzz::apply_any_bytes(rest);
  } else if (choice % 2 == 0) {
    stave::fuzz::unpack_any_bytes(fixture.compression, rest);
  } else {
    const auto codec = (choice & 2) != 0 ? stave::packing::Codec::kZstd : stave::packing::Codec::kLz4;
    const stave::packing::Compression::Setting setting{codec, 1 + (choice >> 2) % 6};
    if (fixture.compression.setting() != setting) fixture.compression.set(setting);
    stave::fuzz::pack_and_unpack(fixture.compression, rest);
  }
  return 0;
}
