"""What is counted: vehicles in service."""

from registry.counting.metric import CountSource, Metric
from tests.example_noun.models import Vehicle

IN_SERVICE = CountSource(Vehicle, starts="started_on", ends="ended_on", unit="unit")

METRICS = (Metric("vehicles", "在用车辆", source=IN_SERVICE, measure="辆", page="vehicles"),)
