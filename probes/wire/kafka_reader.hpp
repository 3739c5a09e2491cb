#pragma once
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/base/error.hpp"

namespace qw::wire::kafka {

/// The id of a topic (since 2.8), which tells it from a deleted one of the same name. All zeros: none.
using Uuid = std::array<std::uint8_t, 16>;
/// 32 hex digits; empty for no id.
std::string print(const Uuid& id);

/// How many elements all arrays of one reply may have together, when the caller names no other cap. The bytes
/// of the reply bound it as well: an array is refused when its least size is more than what is left.
inline constexpr std::size_t kMaxElements = 4'000'000;

/// Reads the body of one Kafka reply (big endian), in the classic or in the flexible encoding (KIP-482),
/// which differ in strings, arrays and tagged fields. The first thing that is wrong ends it: from then on
/// every read gives zero or nothing and every array is empty, so that a decoder reads straight on and asks
/// once, by `end()`. Text is a view into the bytes that were given, as they were sent.
class Reader {
 public:
  Reader(std::string_view bytes, bool flexible, std::size_t max_elements = kMaxElements)
      : bytes_(bytes), elements_left_(max_elements), flexible_(flexible) {}

  std::int8_t int8() { return number<std::int8_t>(); }
  bool boolean() { return int8() != 0; }
  std::int16_t int16() { return number<std::int16_t>(); }
  std::uint16_t uint16() { return number<std::uint16_t>(); }
  std::int32_t int32() { return number<std::int32_t>(); }
  std::int64_t int64() { return number<std::int64_t>(); }
  std::uint32_t varint();
  Uuid uuid();

  /// A string that the protocol never leaves out: null is an error.
  std::string_view text();
  std::optional<std::string_view> nullable_text();
  /// Null is empty.
  std::string_view bytes();
  /// The count of an array of elements of at least `least_bytes` (> 0) each. Null counts 0.
  std::size_t array(std::size_t least_bytes);
  /// An array of int32 whose content does not matter.
  void skip_int32s() { take(array(4) * 4); }
  void skip_text() { (void)nullable_text(); }

  /// The tagged fields that end each structure of the flexible encoding; in the classic one there are none.
  void skip_tags() {
    if (flexible_) read_tags([](std::uint32_t, std::string_view) {});
  }
  /// The same, with `use(tag, content)` called for each.
  template <class Use>
  void tags(Use use) {
    if (flexible_) read_tags(use);
  }

  bool ok() const { return problem_ == nullptr; }
  /// What nobody has read yet.
  std::string_view rest() const { return bytes_.substr(at_); }
  /// Ends the reading at a content that makes no sense. `what` must be a literal.
  void refuse(const char* what);
  /// Nothing when all was well and all bytes were read. Errors: protocol, or too_large for the cap on
  /// elements; with `what` ("Metadata v9") and the offset.
  Result<void> end(std::string_view what) const;

 private:
  template <class T>
  T number() {
    if (bytes_.size() - at_ < sizeof(T)) {
      refuse("it ends in the middle of a number");
      return 0;
    }
    T value;
    std::memcpy(&value, bytes_.data() + at_, sizeof(T));
    at_ += sizeof(T);
    return std::endian::native == std::endian::little ? std::byteswap(value) : value;
  }
  template <class Use>
  void read_tags(Use use) {
    for (std::uint32_t count = varint(); count > 0 && ok(); --count) {
      const std::uint32_t tag = varint();
      const std::uint32_t length = varint();
      const std::string_view content = take(length);
      if (ok()) use(tag, content);
    }
  }
  /// The length of a string or byte string, or the count of an array; nothing for null.
  std::optional<std::size_t> length(bool wide);
  std::string_view take(std::size_t count);

  std::string_view bytes_;
  std::size_t at_ = 0;
  std::size_t elements_left_;
  bool flexible_;
  bool over_limit_ = false;
  const char* problem_ = nullptr;
  std::size_t problem_at_ = 0;
};

}  // namespace qw::wire::kafka
