#pragma once
// Reads a reply of any kind, as tests and the fuzzer want it.
#include "probes/wire/kafka_api_versions.hpp"
#include "probes/wire/kafka_cluster.hpp"
#include "probes/wire/kafka_configs.hpp"
#include "probes/wire/kafka_coordinator.hpp"
#include "probes/wire/kafka_groups.hpp"
#include "probes/wire/kafka_metadata.hpp"
#include "probes/wire/kafka_offsets.hpp"
#include "probes/wire/kafka_quorum.hpp"
#include "probes/wire/kafka_sasl.hpp"

namespace qw::wire::kafka {

/// How many values were built; each takes at least a byte of the body.
inline Result<std::size_t> count_values(Api api, std::int16_t version, std::string_view body) {
  const auto counted = [](const auto& reply, auto... counts) -> Result<std::size_t> {
    if (!reply) return std::unexpected(reply.error());
    return (std::size_t{0} + ... + counts(*reply).size());
  };
  switch (api) {
    case Api::fetch: {
      const auto reply = QuorumView::read(body, version);
      return counted(reply);
    }
    case Api::list_offsets: {
      const auto reply = ListOffsetsReply::read(body, version);
      return counted(reply, [](auto& r) { return r.topics; }, [](auto& r) { return r.all_partitions; });
    }
    case Api::metadata: {
      const auto reply = MetadataReply::read(body, version);
      return counted(
          reply, [](auto& r) { return r.brokers; }, [](auto& r) { return r.topics; },
          [](auto& r) { return r.all_partitions; });
    }
    case Api::offset_fetch: {
      const auto reply = OffsetFetchReply::read(body, version);
      return counted(
          reply, [](auto& r) { return r.groups; }, [](auto& r) { return r.all_topics; },
          [](auto& r) { return r.all_commits; });
    }
    case Api::find_coordinator:
      return counted(FindCoordinatorReply::read(body, version), [](auto& r) { return r.coordinators; });
    case Api::describe_groups: {
      const auto reply = DescribeGroupsReply::read(body, version);
      if (reply) {
        for (const auto& member : reply->all_members) {
          const auto assignment = read_assignment(member.assignment);
          if (assignment && assignment->all_partitions.size() > member.assignment.size()) std::abort();
        }
      }
      return counted(reply, [](auto& r) { return r.groups; }, [](auto& r) { return r.all_members; });
    }
    case Api::list_groups:
      return counted(ListGroupsReply::read(body, version), [](auto& r) { return r.groups; });
    case Api::sasl_handshake:
      return counted(SaslHandshakeReply::read(body, version), [](auto& r) { return r.mechanisms; });
    case Api::api_versions:
      return counted(ApiVersionsReply::read(body, version), [](auto& r) { return r.known; });
    case Api::describe_configs:
      return counted(DescribeConfigsReply::read(body, version), [](auto& r) { return r.topics; });
    case Api::sasl_authenticate:
      return counted(SaslAuthenticateReply::read(body, version));
    case Api::describe_quorum: {
      const auto reply = DescribeQuorumReply::read(body, version);
      return counted(reply, [](auto& r) { return r.voters; }, [](auto& r) { return r.observers; });
    }
    case Api::describe_cluster:
      return counted(DescribeClusterReply::read(body, version), [](auto& r) { return r.nodes; });
    case Api::consumer_group_describe: {
      const auto reply = ConsumerGroupDescribeReply::read(body, version);
      return counted(
          reply, [](auto& r) { return r.groups; }, [](auto& r) { return r.all_members; },
          [](auto& r) { return r.all_topics; }, [](auto& r) { return r.all_partitions; });
    }
  }
  return fail(ErrorKind::internal, "no such request");
}

}  // namespace qw::wire::kafka
