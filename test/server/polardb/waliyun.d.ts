/** What is used of waliyun, which has no types of its own: a service's client has a method for every name that it is asked for. */
declare module "waliyun" {
  /** A service. */
  export function RDS(
    options: Readonly<Record<string, string>>,
  ): Readonly<Record<string, (params: object) => Promise<Readonly<Record<string, unknown>>>>>;
}
