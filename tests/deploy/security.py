"""What a Pod of ours may never be without, whatever the values say. `problems` names each that is missing."""

SAFE_SYSCTLS = {"net.ipv4.ping_group_range"}
VOLUMES = {"configMap", "secret", "emptyDir", "hostPath"}


def problems(documents):
    found = []
    for one in documents:
        if one["kind"] in ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"):
            found.append(f"{one['kind']}: the daemon asks the API server nothing")
        if one["kind"] == "Secret":
            found.append("Secret: secrets are never in a manifest")
        if one["kind"] == "ServiceAccount" and one.get("automountServiceAccountToken") is not False:
            found.append("ServiceAccount: mounts its token")
    for one in documents:
        if one["kind"] == "DaemonSet":
            found += _pod_problems(one["spec"]["template"]["spec"], documents)
    return found


def _pod_problems(pod, documents):
    found = []

    def expect(good, text):
        if not good:
            found.append(text)

    expect(pod.get("automountServiceAccountToken") is False, "Pod: mounts a token")
    expect(not pod.get("hostPID") and not pod.get("hostIPC"), "Pod: shares the node's processes")
    expect(pod.get("enableServiceLinks") is False, "Pod: every Service's address is in the environment")
    expect(0 < pod.get("terminationGracePeriodSeconds", 0) <= 30, "Pod: no terminationGracePeriodSeconds")
    secure = pod.get("securityContext", {})
    expect(secure.get("runAsNonRoot") is True, "Pod: may run as root")
    expect(secure.get("runAsUser", 0) > 0 and secure.get("runAsGroup", 0) > 0, "Pod: no user of its own")
    expect(secure.get("fsGroup", 0) > 0, "Pod: can not read the files of Secrets")
    expect(secure.get("seccompProfile") == {"type": "RuntimeDefault"}, "Pod: no seccomp profile")
    expect({one["name"] for one in secure.get("sysctls", [])} <= SAFE_SYSCTLS, "Pod: a sysctl that is not safe")
    expect(not (pod.get("hostNetwork") and secure.get("sysctls")), "Pod: sets a sysctl of the node")
    expect(not pod.get("hostNetwork") or pod.get("dnsPolicy") == "ClusterFirstWithHostNet", "Pod: can not resolve the mesh")
    for volume in pod.get("volumes", []):
        kinds = set(volume) - {"name"}
        expect(len(kinds) == 1 and kinds <= VOLUMES, f"volume {volume['name']}: {kinds}")
        if "hostPath" in volume:
            expect(volume["name"] == "state", f"volume {volume['name']}: a folder of the node")
            expect(volume["hostPath"].get("type") == "Directory", f"volume {volume['name']}: the kubelet would make it as root")
        if "emptyDir" in volume:
            expect(volume["emptyDir"].get("sizeLimit"), f"volume {volume['name']}: may fill the node's disk")
        if "secret" in volume:
            expect(volume["secret"].get("defaultMode") == 0o440, f"volume {volume['name']}: readable for all")
    for box in pod["containers"] + pod.get("initContainers", []):
        found += _container_problems(box, pod)
    policies = [one for one in documents if one["kind"] == "NetworkPolicy"]
    expect(not (pod.get("hostNetwork") and policies), "NetworkPolicy: does not hold for the node's network")
    return found


def _container_problems(box, pod):
    found = []

    def expect(good, text):
        if not good:
            found.append(f"container {box['name']}: {text}")

    secure = box.get("securityContext", {})
    expect(secure.get("allowPrivilegeEscalation") is False, "may gain privileges")
    expect(secure.get("readOnlyRootFilesystem") is True, "may write to its image")
    expect(not secure.get("privileged"), "is privileged")
    expect(secure.get("capabilities") == {"drop": ["ALL"]}, "has capabilities")
    expect("runAsUser" not in secure and "runAsNonRoot" not in secure, "contradicts its Pod")
    for port in box.get("ports", []):
        expect("hostPort" not in port, f"port {port['name']} is the node's")
        expect(port["containerPort"] >= 1024, f"port {port['name']} needs a capability")
    for kind, path in (("livenessProbe", "/-/healthy"), ("readinessProbe", "/-/ready")):
        probe = box.get(kind, {})
        expect("tcpSocket" in probe or probe.get("httpGet", {}).get("path") == path, f"no {kind}")
    expect("cpu" not in box.get("resources", {}).get("limits", {}), "a limit of CPU, which falsifies what is measured")
    writable = {mount["name"] for mount in box.get("volumeMounts", []) if not mount.get("readOnly")}
    expect(writable == {"state"}, f"may write to {sorted(writable)}")
    tag = box["image"].rsplit("/", 1)[-1]
    expect("@sha256:" in tag or (":" in tag and not tag.endswith(":latest")), "its image is any version")
    return found
