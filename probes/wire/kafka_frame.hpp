#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "probes/wire/kafka_writer.hpp"

/// The Kafka protocol as far as one needs it who only reads (kafka.apache.org, "Kafka protocol guide";
/// measured in facts/kafka.md 5): requests to bytes and replies to plain values, without I/O. A request type
/// has `kApi` and `write(Writer&, version)`; a reply type has `read(body, version)`. Names in replies are
/// views into the body, raw as the broker sent them: keep the body, and `sanitize` before they become a label
/// or a message.
namespace qw::wire::kafka {

/// The requests that we know, by their key on the wire.
enum class Api : std::int16_t {
  fetch = 1,
  list_offsets = 2,
  metadata = 3,
  offset_fetch = 9,
  find_coordinator = 10,
  describe_groups = 15,
  list_groups = 16,
  sasl_handshake = 17,
  api_versions = 18,
  describe_configs = 32,
  sasl_authenticate = 36,
  describe_quorum = 55,
  describe_cluster = 60,
  consumer_group_describe = 69,
};

struct VersionRange {
  std::int16_t lowest = 0;
  std::int16_t highest = 0;
  bool operator==(const VersionRange&) const = default;
};

/// What we speak of one request.
struct ApiSupport {
  Api api;
  std::string_view name;  ///< "OffsetFetch"
  VersionRange versions;
  std::int16_t first_flexible;  ///< from here on in the flexible encoding (INT16_MAX: never)
};
const ApiSupport& support_of(Api api);
std::span<const ApiSupport> supported_apis();
bool is_flexible(Api api, std::int16_t version);
/// "OffsetFetch v8", for messages.
std::string print(Api api, std::int16_t version);
/// The highest version that both speak; nothing when there is none.
std::optional<std::int16_t> common_version(Api api, VersionRange theirs);

/// A whole request, with its size in front: what goes to the socket.
template <class Request>
std::string encode(const Request& request, std::int16_t version, std::int32_t correlation,
                   std::string_view client_id);

/// Bytes of the size in front of each reply.
inline constexpr std::size_t kSizeBytes = 4;
/// What the size (the first four bytes) announces. Errors: protocol (less than a header), too_large.
Result<std::size_t> read_frame_size(std::string_view size, std::size_t max_bytes);

/// A reply (without its size): the number of the request that it answers, and the content.
struct ReplyHead {
  std::int32_t correlation = 0;
  std::string_view body;
};
/// `api` and `version` are those of the request: the header itself does not say.
Result<ReplyHead> read_reply_head(Api api, std::int16_t version, std::string_view frame);
/// Only the correlation number, for whoever has several requests on their way.
Result<std::int32_t> read_correlation(std::string_view frame);

/// A run of elements in a vector that holds those of many owners: a reply of 50,000 offsets is three vectors
/// rather than thousands.
struct Run {
  std::uint32_t first = 0;
  std::uint32_t count = 0;
};
template <class T>
std::span<const T> part(const std::vector<T>& all, Run run) {
  return std::span(all).subspan(run.first, run.count);
}

// The two halves of encode().
Writer begin_request(Api api, std::int16_t version, std::int32_t correlation, std::string_view client_id);
std::string end_request(Writer&& writer);

template <class Request>
std::string encode(const Request& request, std::int16_t version, std::int32_t correlation,
                   std::string_view client_id) {
  Writer writer = begin_request(Request::kApi, version, correlation, client_id);
  request.write(writer, version);
  return end_request(std::move(writer));
}

}  // namespace qw::wire::kafka
