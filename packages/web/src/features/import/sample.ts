// The built-in sample: well-known public companies, so that a newcomer can try the main job at once.
export const SAMPLE_NAME = "Sample companies";

const COMPANIES: readonly [name: string, website: string][] = [
  ["Apple", "apple.com"],
  ["Microsoft", "microsoft.com"],
  ["Siemens", "siemens.com"],
  ["Toyota", "global.toyota"],
  ["Spotify", "spotify.com"],
  ["Shopify", "shopify.com"],
  ["SAP", "sap.com"],
  ["IKEA", "ikea.com"],
  ["Airbus", "airbus.com"],
  ["Nestlé", "nestle.com"],
  ["Adobe", "adobe.com"],
  ["Salesforce", "salesforce.com"],
  ["Netflix", "netflix.com"],
  ["Nokia", "nokia.com"],
  ["Samsung Electronics", "samsung.com"],
  ["Unilever", "unilever.com"],
  ["NVIDIA", "nvidia.com"],
  ["Atlassian", "atlassian.com"],
  ["Volvo Group", "volvogroup.com"],
  ["Starbucks", "starbucks.com"],
  ["Stripe", "stripe.com"],
  ["Nintendo", "nintendo.com"],
  ["Zalando", "zalando.com"],
  ["Heineken", "theheinekencompany.com"],
];

export const sampleCsv = (): string =>
  `${["Company,Website", ...COMPANIES.map(([name, site]) => `${name},${site}`)].join("\r\n")}\r\n`;

export const sampleFile = (): File => new File([sampleCsv()], "sample-companies.csv", { type: "text/csv" });
