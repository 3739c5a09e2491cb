#pragma once
#include <cstdint>
#include <vector>

#include "probes/wire/kafka_error.hpp"
#include "probes/wire/kafka_frame.hpp"

namespace qw::wire::kafka {

/// Which nodes there are. On a controller's listener: the controllers, and who is active.
struct DescribeClusterRequest {
  static constexpr Api kApi = Api::describe_cluster;
  bool controllers = true;  ///< false: brokers. MISMATCHED_ENDPOINT_TYPE when asked on the wrong listener
  void write(Writer& out, std::int16_t version) const;
};

struct DescribeClusterReply {
  struct Node {
    std::int32_t id = -1;
    std::string_view host;
    std::int32_t port = 0;
  };
  ErrorCode error = ErrorCode::none;
  std::string_view cluster_id;
  std::int32_t controller = -1;  ///< the active one; -1: none is known
  std::vector<Node> nodes;

  static Result<DescribeClusterReply> read(std::string_view body, std::int16_t version,
                                           std::size_t max_elements = kMaxElements);
};

}  // namespace qw::wire::kafka
