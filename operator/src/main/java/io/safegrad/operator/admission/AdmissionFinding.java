package io.safegrad.operator.admission;

/**
 * How one of the ValidatingAdmissionPolicies stands.
 *
 * @param policy its name
 * @param inForce whether it refuses what it should
 * @param message what was seen, and what cures it where it is not in force
 */
public record AdmissionFinding(String policy, boolean inForce, String message) {}
