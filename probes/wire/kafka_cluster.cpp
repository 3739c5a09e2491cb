#include "probes/wire/kafka_cluster.hpp"

namespace qw::wire::kafka {

void DescribeClusterRequest::write(Writer& out, std::int16_t version) const {
  out.boolean(false);  // authorized operations
  out.int8(controllers ? 2 : 1);
  if (version >= 2) out.boolean(false);  // brokers that are fenced
  out.no_tags();
}

Result<DescribeClusterReply> DescribeClusterReply::read(std::string_view body, std::int16_t version,
                                                        std::size_t max_elements) {
  Reader in(body, is_flexible(Api::describe_cluster, version), max_elements);
  DescribeClusterReply reply;
  in.int32();  // throttle time
  reply.error = static_cast<ErrorCode>(in.int16());
  in.skip_text();  // the error in words
  in.int8();       // brokers or controllers
  reply.cluster_id = in.text();
  reply.controller = in.int32();
  for (std::size_t count = in.array(11); count > 0 && in.ok(); --count) {
    Node& node = reply.nodes.emplace_back();
    node.id = in.int32();
    node.host = in.text();
    node.port = in.int32();
    in.skip_text();                  // rack
    if (version >= 2) in.boolean();  // fenced
    in.skip_tags();
  }
  in.int32();  // authorized operations
  in.skip_tags();
  const auto end = in.end(print(Api::describe_cluster, version));
  if (!end) return std::unexpected(end.error());
  return reply;
}

}  // namespace qw::wire::kafka
