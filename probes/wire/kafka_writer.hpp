#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "probes/wire/kafka_reader.hpp"

namespace qw::wire::kafka {

/// Builds a Kafka message (big endian), in the classic or in the flexible encoding (KIP-482).
class Writer {
 public:
  explicit Writer(bool flexible) : flexible_(flexible) {}

  void int8(std::int8_t value) { number(value, 1); }
  void boolean(bool value) { int8(value ? 1 : 0); }
  void int16(std::int16_t value) { number(value, 2); }
  void int32(std::int32_t value) { number(value, 4); }
  void int64(std::int64_t value) { number(value, 8); }
  void varint(std::uint32_t value);
  void uuid(const Uuid& id);

  void text(std::string_view value) { nullable_text(value); }
  void nullable_text(std::optional<std::string_view> value);
  void bytes(std::string_view value);
  /// The count before the elements of an array.
  void array(std::size_t count);
  void null_array();
  /// No tagged field: ends each structure of the flexible encoding; nothing in the classic one.
  void no_tags();

  /// The client id of a request header, which is classic in every version.
  void classic_text(std::string_view value);
  /// Puts `value` over the four bytes at `offset`.
  void patch_int32(std::size_t offset, std::int32_t value);
  std::size_t size() const { return bytes_.size(); }
  std::string take() && { return std::move(bytes_); }

 private:
  void number(std::int64_t value, unsigned width);
  void raw(std::string_view value) { bytes_.append(value); }

  std::string bytes_;
  bool flexible_;
};

}  // namespace qw::wire::kafka
