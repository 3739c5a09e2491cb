// What is printed for hosts that a test makes up: each must pass `quorumwatch check`, which the end-to-end
// test tries with real servers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "config/document.hpp"
#include "tests/unit/discover/tree.hpp"

namespace qw::discover {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::vector<std::string> texts(const config::Node& list) {
  std::vector<std::string> out;
  for (const auto* item : list.items) out.push_back(item->text);
  return out;
}

/// The printed targets as a reader of YAML sees them, "system/name key" to values.
std::map<std::string, std::vector<std::string>> targets(const std::string& printed) {
  config::Problems problems("");
  config::Document document;
  std::map<std::string, std::vector<std::string>> out;
  if (!config::parse_document(printed, document, problems)) {
    for (const auto& problem : problems.take()) ADD_FAILURE() << problem.print() << "\n" << printed;
    return out;
  }
  for (const auto* target : document.root()->entries.at(0).value->items) {
    const auto id = target->entries.at(0).value->text + "/" + target->entries.at(1).value->text;
    out[id] = {};
    for (const auto& entry : target->entries) {
      auto& values = out[id + " " + entry.key];
      if (entry.value->kind == config::Node::Kind::list)
        values = texts(*entry.value);
      else if (entry.value->kind == config::Node::Kind::mapping)
        for (const auto& one : entry.value->entries) values.push_back(one.key + "=" + one.value->text);
      else
        values = {entry.value->text};
    }
  }
  return out;
}

using Values = std::vector<std::string>;

TEST(Discover, AnEmptyHostIsWatchedItself) {
  const Tree tree;
  const auto printed = tree.printed();
  const auto found = targets(printed);
  EXPECT_TRUE(found.contains("host/db-1"));
  EXPECT_EQ(found.size(), 3U) << printed;
  EXPECT_THAT(printed, AllOf(HasSubstr("Nothing was connected to"), HasSubstr("No server was found"),
                             HasSubstr("# - system: nodes")));
}

TEST(Discover, AnEtcdWithMembersElsewhere) {
  const Tree tree;
  tree.file("/certs/ca.crt", "PEM");
  tree.add({.pid = 7,
            .comm = "etcd",
            .args = {"/usr/bin/etcd", "--name", "one", "--advertise-client-urls=https://10.0.0.1:2379",
                     "--listen-client-urls", "https://0.0.0.0:2379", "--initial-cluster",
                     "one=https://10.0.0.1:2380,two=https://10.0.0.2:2380", "--initial-advertise-peer-urls",
                     "https://10.0.0.1:2380", "--client-cert-auth", "--trusted-ca-file", "/certs/ca.crt",
                     "--initial-cluster-token", "control-plane", "--election-timeout", "1500"},
            .sockets = {every_address(2379), every_address(2380)},
            .unit = "etcd.service"});
  const auto printed = tree.printed();
  auto found = targets(printed);
  EXPECT_EQ(found["etcd/control-plane members"], Values{"10.0.0.1:2379"}) << printed;
  EXPECT_EQ(found["etcd/control-plane tls"], Values{"ca_file=/certs/ca.crt"});
  EXPECT_FALSE(found.contains("etcd/control-plane election_timeout"))
      << "the probe reads it from the command line";
  EXPECT_THAT(printed, AllOf(HasSubstr("one, pid 7 (etcd.service)"),
                             HasSubstr("member two, which its peers reach at 10.0.0.2:2380"),
                             HasSubstr("It asks for a certificate")));
  EXPECT_THAT(printed, Not(HasSubstr("10.0.0.2:2379"))) << "no port is guessed";
}

TEST(Discover, AnEtcdWithAConfigurationFileListensToNothingElse) {
  const Tree tree;
  tree.file("/etc/etcd.yml",
            "name: one\nadvertise-client-urls: http://10.0.0.1:2379\nelection-timeout: 1500\n");
  tree.add({.pid = 7,
            .comm = "etcd",
            .args = {"etcd", "--config-file=etcd.yml", "--name", "other"},
            .sockets = {every_address(2379)},
            .folder = "/etc",
            .environment = std::string("ETCD_ADVERTISE_CLIENT_URLS=http://10.0.0.1:1\0X=1", 48)});
  auto found = targets(tree.printed());
  EXPECT_EQ(found["etcd/etcd members"], Values{"10.0.0.1:2379"});
  EXPECT_EQ(found["etcd/etcd election_timeout"], Values{"1500ms"});
}

TEST(Discover, TwoEtcdClustersAreTwoTargets) {
  const Tree tree;
  for (int i = 1; i <= 4; ++i) {
    const auto address = "10.0.1." + std::to_string(i);
    const int first = i < 3 ? 1 : 3;
    std::string cluster;
    for (int j = first; j < first + 2; ++j) {
      cluster += (cluster.empty() ? "m" : ",m") + std::to_string(j) + "=http://10.0.1." + std::to_string(j) +
                 ":2380";
    }
    tree.add(
        {.pid = 10 + i,
         .comm = "etcd",
         .args = {"etcd", "--name=m" + std::to_string(i), "--initial-cluster=" + cluster,
                  "--listen-client-urls=http://0.0.0.0:2379", "--advertise-client-urls=http://0.0.0.0:2379"},
         .sockets = {every_address(2379)},
         .network = std::to_string(100 + i),
         .address = address});
  }
  auto found = targets(tree.printed());
  EXPECT_EQ(found["etcd/etcd members"], (Values{"10.0.1.1:2379", "10.0.1.2:2379"}));
  EXPECT_EQ(found["etcd/etcd-2 members"], (Values{"10.0.1.3:2379", "10.0.1.4:2379"}));
}

Tree::Server redis(int i, int port, const std::string& mode = "") {
  return {.pid = 10 * i + (mode.empty() ? 0 : 1),
          .comm = "redis-server",
          .args = {"redis-server 0.0.0.0:" + std::to_string(port) + mode},
          .sockets = {every_address(port)},
          .folder = "/data/" + std::to_string(i) + mode,
          .network = std::to_string(100 + i),
          .address = "10.0.2." + std::to_string(i)};
}

TEST(Discover, RedisWithSentinelsOfWhichOneRunsElsewhere) {
  const Tree tree;
  tree.add(redis(1, 6379));
  tree.add(redis(2, 6379));
  tree.add(redis(1, 26379, " [sentinel]"));
  tree.file("/data/1/redis.conf", "bind 0.0.0.0\nport 6379\ndir /data/1\nrequirepass hunter2\n");
  tree.file("/data/2/redis.conf",
            "bind 0.0.0.0\nport 6379\ndir /data/2\nreplicaof 10.0.2.1 6379\nmasterauth hunter2\n");
  tree.file("/data/1 [sentinel]/sentinel.conf",
            "port 26379\nsentinel monitor sessions 10.0.2.1 6379 2\nsentinel auth-pass sessions hunter2\n"
            "sentinel known-replica sessions 10.0.2.2 6379\nsentinel known-replica sessions 10.0.2.3 6379\n"
            "sentinel known-sentinel sessions 10.0.2.3 26379 aaaa\n");
  const auto printed = tree.printed();
  auto found = targets(printed);
  EXPECT_EQ(found["redis/sessions members"], (Values{"10.0.2.1:6379", "10.0.2.2:6379", "10.0.2.3:6379"}))
      << printed;
  EXPECT_EQ(found["redis/sessions sentinels"], (Values{"10.0.2.1:26379", "10.0.2.3:26379"}));
  EXPECT_EQ(found["redis/sessions sentinel_master"], Values{"sessions"});
  EXPECT_FALSE(found.contains("redis/sessions password_file"));
  EXPECT_THAT(printed, AllOf(HasSubstr("# password_file: redis.password"), Not(HasSubstr("hunter2")),
                             HasSubstr("not seen here, named in /data/1 [sentinel]/sentinel.conf")));
}

TEST(Discover, AFileOfAnotherRedisIsNotBelieved) {
  const Tree tree;
  auto server = redis(1, 6379);
  server.folder = "/nowhere";
  tree.add(server);
  tree.file("/etc/redis/redis.conf", "port 6379\ndir /var/lib/redis\nreplicaof 10.9.9.9 6379\n");
  const auto printed = tree.printed();
  auto found = targets(printed);
  EXPECT_EQ(found["redis/redis members"], Values{"10.0.2.1:6379"});
  EXPECT_THAT(printed, HasSubstr("its configuration file was not found"));
}

TEST(Discover, ASentinelOfTwoGroupsIsInBoth) {
  const Tree tree;
  tree.add(redis(1, 26379, " [sentinel]"));
  tree.file("/data/1 [sentinel]/sentinel.conf",
            "port 26379\nsentinel monitor a 10.0.3.1 6379 2\nsentinel monitor b 10.0.3.2 6379 2\n");
  auto found = targets(tree.printed());
  EXPECT_EQ(found["redis/a members"], Values{"10.0.3.1:6379"});
  EXPECT_EQ(found["redis/b members"], Values{"10.0.3.2:6379"});
  EXPECT_EQ(found["redis/a sentinels"], Values{"10.0.2.1:26379"});
  EXPECT_EQ(found["redis/b sentinels"], Values{"10.0.2.1:26379"});
}

TEST(Discover, RedisByTlsAlone) {
  const Tree tree;
  tree.file("/data/1/redis.conf", "port 0\ntls-port 6379\ntls-ca-cert-file ca.crt\ntls-auth-clients no\n");
  tree.file("/data/1/ca.crt", "PEM");
  tree.add(redis(1, 6379));
  const auto printed = tree.printed();
  auto found = targets(printed);
  EXPECT_EQ(found["redis/redis tls"], Values{"ca_file=/data/1/ca.crt"});
  EXPECT_THAT(printed, Not(HasSubstr("asks for a certificate")));
}

TEST(Discover, PostgresWithItsStandby) {
  const Tree tree;
  const auto server = [](int i) {
    return Tree::Server{.pid = i,
                        .comm = "postgres",
                        .args = {"/usr/lib/postgresql/15/bin/postgres", "-D", "/pg/" + std::to_string(i)},
                        .sockets = {every_address(5433)},
                        .folder = "/pg/" + std::to_string(i),
                        .network = std::to_string(100 + i),
                        .address = "10.0.4." + std::to_string(i)};
  };
  tree.add(server(1));
  tree.add(server(2));
  tree.add({.pid = 3,
            .comm = "postgres",
            .args = {"postgres: walwriter "},
            .folder = "/pg/1",
            .network = "101",
            .address = "10.0.4.1"});
  tree.file("/pg/1/postgresql.conf", "port = 5433\ncluster_name = 'orders'\nssl = on\n");
  tree.file("/pg/2/postgresql.conf", "include_dir 'more'\ncluster_name = 'orders'\n");
  tree.file("/pg/2/more/a.conf", "port = 5433\nprimary_conninfo = 'host=10.0.4.9'\n");
  tree.file("/pg/2/postgresql.auto.conf",
            "primary_conninfo = 'user=r password=hunter2 host=10.0.4.1 port=5433'\n");
  const auto printed = tree.printed();
  auto found = targets(printed);
  EXPECT_EQ(found["postgres/orders members"], (Values{"10.0.4.1:5433", "10.0.4.2:5433"})) << printed;
  EXPECT_EQ(found["postgres/orders sslmode"], Values{"require"});
  EXPECT_EQ(found["postgres/orders username"], Values{"quorumwatch"});
  EXPECT_THAT(printed, AllOf(Not(HasSubstr("hunter2")), Not(HasSubstr("10.0.4.9"))));
}

TEST(Discover, APrimarysStandbysElsewhereAreNamedByTheirAddress) {
  const Tree tree;
  tree.add({.pid = 1,
            .comm = "postgres",
            .args = {"postgres", "-D", "/pg"},
            .sockets = {every_address(5432)},
            .folder = "/pg"});
  tree.add({.pid = 2,
            .comm = "postgres",
            .args = {"postgres: 15/main: walsender replicator 10.0.0.2(43210) streaming 0/3000148"},
            .folder = "/pg"});
  tree.add({.pid = 3,
            .comm = "postgres",
            .args = {"postgres: walsender x 10.0.0.3(1) streaming 0/3"},
            .folder = "/other"});
  tree.add({.pid = 4,
            .comm = "postgres",
            .args = {"postgres: walsender x 10.0.0.4(1) BACKUP 0/3"},
            .folder = "/pg"});
  tree.file("/pg/postgresql.conf", "");
  const auto printed = tree.printed();
  auto found = targets(printed);
  EXPECT_EQ(found["postgres/postgres members"], Values{"10.0.0.1:5432"});
  EXPECT_THAT(printed, AllOf(HasSubstr("pid 1 sends its log to 10.0.0.2: add that standby with its port."),
                             Not(HasSubstr("10.0.0.3")), Not(HasSubstr("10.0.0.4"))));
}

TEST(Discover, KafkaWithLogIn) {
  const Tree tree;
  for (int i = 1; i <= 2; ++i) {
    const auto address = "10.0.5." + std::to_string(i);
    const auto folder = "/kafka/" + std::to_string(i);
    tree.file(
        folder + "/server.properties",
        "process.roles=broker,controller\nnode.id=" + std::to_string(i) +
            "\ncontroller.quorum.voters=1@10.0.5.1:9093,2@10.0.5.2:9093,3@10.0.5.3:9093\n"
            "listeners=INNER://:9094,CLIENT://:9092,CONTROLLER://:9093\nadvertised.listeners=INNER://" +
            address + ":9094,CLIENT://" + address +
            ":9092\ncontroller.listener.names=CONTROLLER\ninter.broker.listener.name=INNER\n"
            "listener.security.protocol.map=CLIENT:SASL_SSL,CONTROLLER:SASL_SSL,INNER:PLAINTEXT\n"
            "sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512\nssl.truststore.location=/etc/kafka/trust.jks\n"
            "listener.name.client.scram-sha-512.sasl.jaas.config=x password=\"hunter2\";\nlog.dirs=" +
            folder + "\n");
    tree.file(folder + "/meta.properties", "cluster.id=abc\n");
    tree.add({.pid = i,
              .comm = "java",
              .args = {"java", "-cp", "x", "kafka.Kafka", folder + "/server.properties"},
              .sockets = {every_address(9092), every_address(9093), every_address(9094)},
              .network = std::to_string(100 + i),
              .address = address});
  }
  const auto printed = tree.printed();
  auto found = targets(printed);
  EXPECT_EQ(found["kafka/kafka bootstrap"], (Values{"10.0.5.1:9092", "10.0.5.2:9092"})) << printed;
  EXPECT_EQ(found["kafka/kafka controllers"], (Values{"10.0.5.1:9093", "10.0.5.2:9093", "10.0.5.3:9093"}));
  EXPECT_TRUE(found.contains("kafka/kafka tls"));
  EXPECT_FALSE(found.contains("kafka/kafka sasl"));
  EXPECT_THAT(
      printed,
      AllOf(HasSubstr(
                "# sasl: {mechanism: SCRAM-SHA-512, username: quorumwatch, password_file: kafka.password}"),
            HasSubstr("/etc/kafka/trust.jks, which is no PEM file"), HasSubstr("Cluster id abc."),
            HasSubstr("there are also INNER"), Not(HasSubstr("hunter2"))));
}

TEST(Discover, ControllersThatSpeakOtherwiseThanBrokersAreLeftToTheUser) {
  const Tree tree;
  tree.file("/k/server.properties",
            "process.roles=broker,controller\nlisteners=SSL://10.0.0.1:9092,CONTROLLER://10.0.0.1:9093\n"
            "controller.listener.names=CONTROLLER\ncontroller.quorum.voters=1@10.0.0.1:9093\n"
            "listener.security.protocol.map=SSL:SSL,CONTROLLER:PLAINTEXT\n");
  tree.add({.pid = 5,
            .comm = "java",
            .args = {"java", "kafka.Kafka", "/k/server.properties"},
            .sockets = {{"0100000A", 9092}, {"0100000A", 9093}}});
  const auto printed = tree.printed();
  auto found = targets(printed);
  EXPECT_EQ(found["kafka/kafka bootstrap"], Values{"10.0.0.1:9092"});
  EXPECT_FALSE(found.contains("kafka/kafka controllers"));
  EXPECT_THAT(printed, AllOf(HasSubstr("# controllers:"),
                             HasSubstr("The controllers speak PLAINTEXT and the brokers SSL")));
}

TEST(Discover, ChronyOfThisHostAndOfAnother) {
  const Tree tree;
  tree.file("/etc/chrony/chrony.conf",
            "pool 2.debian.pool.ntp.org iburst\nsourcedir /etc/chrony/sources.d\n");
  tree.file("/etc/chrony/sources.d/a.sources", "server 10.0.0.9\n");
  tree.add({.pid = 5,
            .comm = "chronyd",
            .args = {"/usr/sbin/chronyd", "-F", "1"},
            .sockets = {{"0100007F", 323, "07", true}}});
  tree.file("/lab/chrony.conf", "allow all\n");
  tree.add({.pid = 6,
            .comm = "chronyd",
            .args = {"chronyd", "-f", "/lab/chrony.conf"},
            .sockets = {{"00000000", 123, "07", true}, {"00000000", 323, "07", true}},
            .network = "102",
            .address = "10.0.6.2"});
  const auto printed = tree.printed();
  auto found = targets(printed);
  EXPECT_EQ(found["clocks/clocks members"], (Values{"chrony://127.0.0.1:323", "ntp://10.0.6.2:123"}))
      << printed;
  EXPECT_THAT(printed, HasSubstr("It sets its clock by 10.0.0.9, 2.debian.pool.ntp.org"));
}

TEST(Discover, WhatNobodyOutsideCanAskIsAComment) {
  const Tree tree;
  auto server = redis(1, 6379);
  server.sockets = {{"0100007F", 6379}};
  tree.add(server);
  const auto printed = tree.printed();
  EXPECT_EQ(targets(printed).count("redis/redis"), 0U);
  EXPECT_THAT(printed, AllOf(HasSubstr("only on the loopback of its network namespace"),
                             HasSubstr("# - system: redis")));
}

TEST(Discover, WithoutPermissionItSaysSo) {
  const Tree tree;
  tree.add({.pid = 7,
            .comm = "etcd",
            .args = {"etcd", "--advertise-client-urls", "http://10.0.0.1:2379"},
            .sockets = {every_address(2379)},
            .open = false});
  tree.add({.pid = 8,
            .comm = "postgres",
            .args = {"postgres", "-D", "/pg"},
            .sockets = {every_address(5432)},
            .open = false});
  const auto printed = tree.printed();
  auto found = targets(printed);
  EXPECT_EQ(found["etcd/etcd members"], Values{"10.0.0.1:2379"});
  EXPECT_THAT(
      printed,
      AllOf(HasSubstr("NOT SEEN: 2 processes of other users"), HasSubstr("its environment may not be read"),
            HasSubstr("/pg/postgresql.conf could not be read"), HasSubstr("(by whom is not known)")));
}

TEST(Discover, ARedisWhoseSocketsAreHiddenSaysWhereItListens) {
  const Tree tree;
  for (int i = 1; i <= 2; ++i) {
    auto server = redis(i, 6379);
    server.open = false;
    tree.add(server);
  }
  const auto printed = tree.printed();
  auto found = targets(printed);
  EXPECT_EQ(found["redis/redis members"], Values{"10.0.2.1:6379"}) << printed;
  EXPECT_EQ(found["redis/redis-2 members"], Values{"10.0.2.2:6379"})
      << "nothing says that they are one group";
  EXPECT_THAT(printed, HasSubstr("its configuration file was not found"));
}

TEST(Discover, WhatIsNotKnownIsListed) {
  const Tree tree;
  tree.add(
      {.pid = 9, .comm = "sshd", .args = {"sshd"}, .sockets = {every_address(22)}, .unit = "ssh.service"});
  EXPECT_THAT(tree.printed(), HasSubstr("#   0.0.0.0:22 (sshd, pid 9 (ssh.service))"));
}

TEST(Discover, WhateverServersSayIsHarmless) {
  const Tree tree;
  const std::string evil = "x\n- system: host\n  name: evil\x1b[31m\"}]";
  tree.add({.pid = 7,
            .comm = "etcd",
            .args = {"etcd", "--name", evil, "--initial-cluster-token", evil, "--initial-cluster",
                     evil + "=http://10.0.0.2:2380", "--advertise-client-urls", "http://10.0.0.1:2379",
                     "--trusted-ca-file", evil},
            .sockets = {every_address(2379)},
            .unit = ""});
  tree.add(redis(1, 26379, " [sentinel]"));
  tree.file("/data/1 [sentinel]/sentinel.conf",
            "port 26379\nsentinel monitor \"a\\\"}: b\" 10.0.3.1 6379 2\nsentinel announce-ip \"; rm\"\n");
  const auto printed = tree.printed();
  const auto found = targets(printed);
  EXPECT_FALSE(found.contains("host/evil")) << printed;
  EXPECT_THAT(printed, Not(HasSubstr("\x1b")));
  EXPECT_TRUE(found.contains("etcd/x---system:-host---name:-evil--31m---")) << printed;
}

TEST(Discover, OnlyRegularFilesOfTheProcessAreRead) {
  const Tree tree;
  tree.add({.pid = 7, .comm = "x", .args = {"x"}});
  tree.file("/real", "text");
  tree.link("/outside", "/etc/hostname");
  tree.link("/up", "../../../../../../etc/hostname");
  tree.link("/inside", "/real");
  tree.file("/large", std::string(HostFiles::kMaxFile + 1, 'x'));
  std::filesystem::create_directories(tree.root() + "/folder");
  ASSERT_EQ(::mkfifo((tree.root() + "/pipe").c_str(), 0600), 0);
  const auto view = tree.view();
  HostFiles files(tree.root());
  const auto& process = view.processes.at(0);
  const auto kind = [&](const std::string& path) {
    const auto read = files.read(process, path);
    return read ? ErrorKind::internal : read.error().kind();
  };
  EXPECT_EQ(files.read(process, "/real").value_or(""), "text");
  EXPECT_EQ(files.read(process, "/inside").value_or(""), "text") << "links lead to files of the tree";
  EXPECT_EQ(kind("/outside"), ErrorKind::unreachable);
  EXPECT_EQ(kind("/up"), ErrorKind::unreachable);
  EXPECT_EQ(kind("/folder"), ErrorKind::rejected);
  EXPECT_EQ(kind("/pipe"), ErrorKind::rejected) << "and nobody waits for a writer";
  EXPECT_EQ(kind("/large"), ErrorKind::too_large);
  EXPECT_EQ(kind("/none"), ErrorKind::unreachable);
  EXPECT_TRUE(files.is_same_here(process, "/real"));
  EXPECT_FALSE(files.is_same_here(process, "/folder"));
}

}  // namespace
}  // namespace qw::discover
