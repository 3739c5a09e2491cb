#include "probes/wire/kafka_api_versions.hpp"

#include <algorithm>
#include <utility>

namespace qw::wire::kafka {

void ApiVersionsRequest::write(Writer& out, std::int16_t version) const {
  if (version >= 3) {
    out.text(software_name);
    out.text(software_version);
  }
  out.no_tags();
}

Result<ApiVersionsReply> ApiVersionsReply::read(std::string_view body, std::int16_t version) {
  Reader first(body, false);
  const auto error = static_cast<ErrorCode>(first.int16());
  if (error == ErrorCode::unsupported_version) version = 0;

  Reader in(body, is_flexible(Api::api_versions, version));
  ApiVersionsReply reply;
  reply.error = static_cast<ErrorCode>(in.int16());
  for (std::size_t count = in.array(6); count > 0 && in.ok(); --count) {
    Known known;
    known.api = in.int16();
    known.versions.lowest = in.int16();
    known.versions.highest = in.int16();
    in.skip_tags();
    reply.known.push_back(known);
  }
  if (version >= 1) in.int32();  // throttle time
  in.skip_tags();
  const auto end = in.end(print(Api::api_versions, version));
  if (!end) return std::unexpected(end.error());
  return reply;
}

std::optional<VersionRange> ApiVersionsReply::versions_of(Api api) const {
  const auto found = std::ranges::find(known, std::to_underlying(api), &Known::api);
  if (found == known.end()) return std::nullopt;
  return found->versions;
}

std::optional<std::int16_t> ApiVersionsReply::choose(Api api) const {
  const auto theirs = versions_of(api);
  if (!theirs) return std::nullopt;
  return common_version(api, *theirs);
}

}  // namespace qw::wire::kafka
