#pragma once
#include <vector>

#include "probes/wire/kafka_error.hpp"
#include "probes/wire/kafka_frame.hpp"

namespace qw::wire::kafka {

/// The first request on each connection. A broker that does not know our version of it answers
/// UNSUPPORTED_VERSION in the form of version 0, with the versions that it does know (KIP-511).
struct ApiVersionsRequest {
  static constexpr Api kApi = Api::api_versions;
  std::string_view software_name = "quorumwatch";
  std::string_view software_version = "1";  ///< letters, digits, '.' and '-' only, or the broker refuses
  void write(Writer& out, std::int16_t version) const;
};

struct ApiVersionsReply {
  struct Known {
    std::int16_t api = 0;
    VersionRange versions;
  };
  ErrorCode error = ErrorCode::none;
  std::vector<Known> known;  ///< with UNSUPPORTED_VERSION at most ApiVersions itself

  static Result<ApiVersionsReply> read(std::string_view body, std::int16_t version);

  std::optional<VersionRange> versions_of(Api api) const;
  /// The highest version that we and this broker speak; nothing: ask it something else. Before the reply is
  /// there, ApiVersions itself is asked in our highest version, and again in
  /// choose(Api::api_versions).value_or(0) after UNSUPPORTED_VERSION.
  std::optional<std::int16_t> choose(Api api) const;
};

}  // namespace qw::wire::kafka
