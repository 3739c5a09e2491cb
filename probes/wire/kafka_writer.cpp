#include "probes/wire/kafka_writer.hpp"

namespace qw::wire::kafka {

void Writer::varint(std::uint32_t value) {
  for (; value > 127; value >>= 7) bytes_.push_back(static_cast<char>((value & 127) | 128));
  bytes_.push_back(static_cast<char>(value));
}

void Writer::uuid(const Uuid& id) {
  bytes_.append(id.begin(), id.end());
}

void Writer::nullable_text(std::optional<std::string_view> value) {
  if (flexible_) {
    varint(value ? static_cast<std::uint32_t>(value->size() + 1) : 0);
    raw(value.value_or(std::string_view()));
  } else if (value) {
    classic_text(*value);
  } else {
    int16(-1);
  }
}

void Writer::bytes(std::string_view value) {
  array(value.size());
  raw(value);
}

void Writer::array(std::size_t count) {
  if (flexible_) {
    varint(static_cast<std::uint32_t>(count + 1));
  } else {
    int32(static_cast<std::int32_t>(count));
  }
}

void Writer::null_array() {
  if (flexible_) {
    varint(0);
  } else {
    int32(-1);
  }
}

void Writer::no_tags() {
  if (flexible_) varint(0);
}

void Writer::classic_text(std::string_view value) {
  int16(static_cast<std::int16_t>(value.size()));
  raw(value);
}

void Writer::patch_int32(std::size_t offset, std::int32_t value) {
  for (std::size_t i = 0; i < 4; ++i) {
    bytes_[offset + i] = static_cast<char>(static_cast<std::uint32_t>(value) >> (24 - 8 * i));
  }
}

void Writer::number(std::int64_t value, unsigned width) {
  for (unsigned shift = width * 8; shift > 0; shift -= 8) {
    bytes_.push_back(static_cast<char>(static_cast<std::uint64_t>(value) >> (shift - 8)));
  }
}

}  // namespace qw::wire::kafka
