#pragma once
#include <vector>

#include "probes/wire/kafka_error.hpp"
#include "probes/wire/kafka_frame.hpp"

namespace qw::wire::kafka {

/// Which broker coordinates a group. Any broker knows.
struct FindCoordinatorRequest {
  static constexpr Api kApi = Api::find_coordinator;
  /// From here on a request takes many groups; below it, exactly one.
  static constexpr std::int16_t kFirstBatched = 4;
  std::vector<std::string_view> groups;
  void write(Writer& out, std::int16_t version) const;
};

struct FindCoordinatorReply {
  struct Coordinator {
    std::string_view group;  ///< empty below kFirstBatched: it is the one that was asked
    std::int32_t broker = -1;
    std::string_view host;
    std::int32_t port = 0;
    ErrorCode error = ErrorCode::none;
  };
  std::vector<Coordinator> coordinators;
  static Result<FindCoordinatorReply> read(std::string_view body, std::int16_t version,
                                           std::size_t max_elements = kMaxElements);
};

}  // namespace qw::wire::kafka
