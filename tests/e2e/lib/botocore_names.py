"""The host names that botocore's data gives AWS services, without network; botocore is Debian's python3-botocore.

A service is called by its endpoint prefix ("api.ecr"), as in botocore's endpoints.json.
"""
import collections
import importlib
import os
import sys

DEBIAN_PYTHON = "/usr/lib/python3/dist-packages"
VARIANTS = {"plain": {}, "dualstack": {"use_dualstack_endpoint": True}, "fips": {"use_fips_endpoint": True},
            "fips dualstack": {"use_dualstack_endpoint": True, "use_fips_endpoint": True}}


def load():
    """Debian's botocore; another that is installed beside is newer or older, and its numbers differ."""
    if not os.path.isdir(os.path.join(DEBIAN_PYTHON, "botocore")):
        raise AssertionError("python3-botocore is missing: apt-get install python3-botocore "
                             "(or deploy/install-deps.sh --tests)")
    sys.path.insert(0, DEBIAN_PYTHON)
    try:
        return {name: importlib.import_module("botocore." + name) for name in ("regions", "session")}
    finally:
        sys.path.remove(DEBIAN_PYTHON)


class Names:
    """Every service of botocore, and its names in a region."""

    def __init__(self):
        modules = load()
        loader = modules["session"].Session().get_component("data_loader")
        endpoints = loader.load_data("endpoints")
        self.errors = modules["regions"]
        self.resolver = modules["regions"].EndpointResolver(endpoints)
        self.prefixes = collections.defaultdict(lambda: {""})  # service -> what its operations put before its name
        for partition in endpoints["partitions"]:
            for service in partition["services"]:
                self.prefixes[service].add("")
        for api in loader.list_available_services("service-2"):
            self._take_operations(loader.load_service_model(api, "service-2"))

    def _take_operations(self, model):
        service = model["metadata"]["endpointPrefix"]
        for operation in model["operations"].values():
            prefix = operation.get("endpoint", {}).get("hostPrefix", "")
            if "{" not in prefix:
                self.prefixes[service].add(prefix)

    def knows(self, service):
        return service in self.prefixes

    def name(self, service, region, variant="plain"):
        """Its name in a region; None when that partition has no such variant."""
        try:
            found = self.resolver.construct_endpoint(service, region, **VARIANTS[variant])
        except self.errors.EndpointVariantError:
            return None
        return found and found.get("hostname")

    def all_names(self, region):
        """Every plain and FIPS name, those of single operations included: the names clients ask."""
        found = set()
        for service, prefixes in self.prefixes.items():
            for variant in ("plain", "fips"):
                name = self.name(service, region, variant)
                found.update(prefix + name for prefix in prefixes if name)
        return found
