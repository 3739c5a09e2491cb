#include "probes/wire/kafka_frame.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace qw::wire::kafka {
namespace {

constexpr std::int16_t kNeverFlexible = INT16_MAX;

// The lowest versions are what every broker since Kafka 2.4 has, or less where that costs nothing; the
// highest have all that we read. What each adds stands with the message.
constexpr ApiSupport kApis[] = {
    {Api::fetch, "Fetch", {13, 13}, 12},
    {Api::list_offsets, "ListOffsets", {2, 8}, 6},
    {Api::metadata, "Metadata", {4, 12}, 9},
    {Api::offset_fetch, "OffsetFetch", {2, 9}, 6},
    {Api::find_coordinator, "FindCoordinator", {1, 5}, 3},
    {Api::describe_groups, "DescribeGroups", {0, 5}, 5},
    {Api::list_groups, "ListGroups", {0, 5}, 3},
    {Api::sasl_handshake, "SaslHandshake", {1, 1}, kNeverFlexible},
    {Api::api_versions, "ApiVersions", {0, 3}, 3},
    {Api::describe_configs, "DescribeConfigs", {1, 4}, 4},
    {Api::sasl_authenticate, "SaslAuthenticate", {0, 2}, 2},
    {Api::describe_quorum, "DescribeQuorum", {0, 2}, 0},
    {Api::describe_cluster, "DescribeCluster", {1, 2}, 0},
    {Api::consumer_group_describe, "ConsumerGroupDescribe", {0, 1}, 0},
};

/// A reply's header has tagged fields where its request was flexible; but ApiVersions' never, since whoever
/// reads it does not know yet what the broker speaks.
bool has_flexible_reply_head(Api api, std::int16_t version) {
  return api != Api::api_versions && is_flexible(api, version);
}

}  // namespace

const ApiSupport& support_of(Api api) {
  return *std::ranges::find(kApis, api, &ApiSupport::api);  // each Api is in the table (a test walks it)
}

std::span<const ApiSupport> supported_apis() {
  return kApis;
}

bool is_flexible(Api api, std::int16_t version) {
  return version >= support_of(api).first_flexible;
}

std::string print(Api api, std::int16_t version) {
  return fmt::format("{} v{}", support_of(api).name, version);
}

std::optional<std::int16_t> common_version(Api api, VersionRange theirs) {
  const VersionRange ours = support_of(api).versions;
  const std::int16_t highest = std::min(ours.highest, theirs.highest);
  if (highest < std::max(ours.lowest, theirs.lowest)) return std::nullopt;
  return highest;
}

Result<std::size_t> read_frame_size(std::string_view size, std::size_t max_bytes) {
  Reader in(size, false);
  const std::int32_t announced = in.int32();
  auto all = in.end("size of a reply");
  if (!all) return std::unexpected(all.error());
  if (announced < 4)
    return fail(ErrorKind::protocol, fmt::format("not Kafka: a reply of {} bytes", announced));
  if (std::cmp_greater(announced, max_bytes)) {
    return fail(ErrorKind::too_large,
                fmt::format("a reply of {} bytes where {} are allowed", announced, max_bytes));
  }
  return static_cast<std::size_t>(announced);
}

Result<ReplyHead> read_reply_head(Api api, std::int16_t version, std::string_view frame) {
  Reader in(frame, has_flexible_reply_head(api, version));
  ReplyHead head;
  head.correlation = in.int32();
  in.skip_tags();
  if (!in.ok()) return std::unexpected(in.end("header of " + print(api, version)).error());
  head.body = in.rest();
  return head;
}

Result<std::int32_t> read_correlation(std::string_view frame) {
  Reader in(frame, false);
  const std::int32_t correlation = in.int32();
  if (!in.ok()) return std::unexpected(in.end("header of a reply").error());
  return correlation;
}

Writer begin_request(Api api, std::int16_t version, std::int32_t correlation, std::string_view client_id) {
  Writer out(is_flexible(api, version));
  out.int32(0);  // the size, when it is known
  out.int16(std::to_underlying(api));
  out.int16(version);
  out.int32(correlation);
  out.classic_text(client_id);
  out.no_tags();
  return out;
}

std::string end_request(Writer&& writer) {
  writer.patch_int32(0, static_cast<std::int32_t>(writer.size() - kSizeBytes));
  return std::move(writer).take();
}

}  // namespace qw::wire::kafka
